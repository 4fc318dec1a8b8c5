"""The slider of the package streamlit-image-comparison 0.0.4, with its faults kept in here.

It loads its script and style from cdn.knightlab.com, so it is a blank box offline or where that
host is blocked, and whoever controls that host runs script in the page: choose it knowingly. It has
no zoom and no transparency. Its effects on the process are prevented: it switches off Pillow's
pixel limit, calls a deprecated interface of Streamlit, and writes labels into script unescaped.
"""

import functools
import importlib
import io
from collections.abc import Callable
from types import SimpleNamespace

import streamlit as st
from PIL import Image

from backend.images.resize import bounded_size
from webapp.base.side import bounded, unpack

ORIGIN = "https://cdn.knightlab.com"
"""Origin of its script and style."""
MAX_WIDTH, MAX_HEIGHT = 704, 640
# The package encodes both pictures at every rerun, as JPEG of quality 100 in the page.
MAX_SIDE = 1408


def show(left: bytes, right: bytes, *, labels: tuple[str, str], key: str) -> None:
    """Mount the package's slider with sides made by `side.pack`.

    The labels must be constants of the page: they are written into script.
    """
    before, after = _cached_sides()(key, left, right)
    width = max(1, min(MAX_WIDTH, round(MAX_HEIGHT * after.width / after.height)))
    _slider()(
        img1=before,
        img2=after,
        label1=labels[0],
        label2=labels[1],
        width=width,
        in_memory=True,  # otherwise it deletes every .jpg of a folder "temp"
    )


@functools.cache
def _slider() -> Callable[..., object]:
    """Return the package's function with two names in its module replaced by harmless ones.

    Restoring Pillow's limit after each call would leave it open in between for other visitors'
    files, so the package gets a stand-in of `PIL.Image`.
    """
    limit = Image.MAX_IMAGE_PIXELS
    package = importlib.import_module("streamlit_image_comparison")
    Image.MAX_IMAGE_PIXELS = limit
    package.Image = SimpleNamespace(Image=Image.Image)  # type: ignore[attr-defined]
    package.components = SimpleNamespace(html=_frame)  # type: ignore[attr-defined]
    slider: Callable[..., object] = package.image_comparison
    return slider


def _frame(html: str, *, width: int, height: int) -> None:
    st.iframe(html, width=width, height=max(1, height))


@functools.cache
def _cached_sides() -> Callable[..., tuple[Image.Image, Image.Image]]:
    """Make the cache at its first use: Streamlit warns of one that is older than its server."""
    return st.cache_data(max_entries=8, ttl=3600, show_spinner=False)(_sides)


def _sides(
    key: str,  # noqa: ARG001 - what the cache goes by
    _left: bytes,
    _right: bytes,
) -> tuple[Image.Image, Image.Image]:
    """Return both pictures in one bounded size, opaque: (w, h) RGB each."""
    before, after = (
        Image.open(io.BytesIO(unpack(blob).patches[0].webp)) for blob in (_left, _right)
    )
    size = bounded_size(after.size, max_side=MAX_SIDE)
    enlarged = before.resize(size, Image.Resampling.BICUBIC)
    return _on_white(enlarged), _on_white(bounded(after, max_side=MAX_SIDE))


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper
