"""The project's own slider: a Streamlit component without iframe, CDN or any request."""

import functools
import hashlib
import io
import json
import struct
from pathlib import Path

import streamlit as st
from PIL import Image
from streamlit.components.v2.types import ComponentRenderer

from webapp.comparison.preview import MAX_SIDE, Patch, bounded_size, patches

_FOLDER = Path(__file__).parent


def show(before: Image.Image, after: Image.Image, *, labels: tuple[str, str], key: str) -> None:
    """Mount the slider at the current place of the page."""
    mount(_payload(key, labels, before, after), key=key)


def mount(blob: bytes, *, key: str) -> None:
    """Mount the slider with what `pack` made."""
    # Streamlit refuses keys with "__" here, so the caller's key is hashed once more.
    element = f"comparison-{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    _renderer()(key=element, data=blob)


def pack(pieces: list[Patch], *, key: str, labels: tuple[str, str]) -> bytes:
    """One blob: length of the header (4 bytes, big endian), header (JSON), the WebP files."""
    whole = {piece.side: piece.whole for piece in pieces}
    size = whole["after"]
    header = {
        "id": key,
        "labels": labels,
        "size": size,
        "before": whole["before"],
        "note": _note(size),
        "pictures": [
            {"side": piece.side, "place": piece.place, "length": len(piece.webp)}
            for piece in pieces
        ],
    }
    text = json.dumps(header).encode()
    return b"".join([struct.pack(">I", len(text)), text, *(piece.webp for piece in pieces)])


def unpack(blob: bytes) -> tuple[Image.Image, Image.Image]:
    """The whole of each side, as it was reduced by `pack`; not decoded yet."""
    (length,) = struct.unpack(">I", blob[:4])
    start = 4 + length
    sides: dict[str, bytes] = {}
    for picture in json.loads(blob[4:start])["pictures"]:
        stop = start + picture["length"]
        sides.setdefault(picture["side"], blob[start:stop])
        start = stop
    before, after = (Image.open(io.BytesIO(sides[side])) for side in ("before", "after"))
    return before, after


@functools.cache
def _renderer() -> ComponentRenderer:
    html, css, js = (
        (_FOLDER / f"slider.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js")
    )
    return st.components.v2.component("super_resolution_slider", html=html, css=css, js=js)


# The underscores keep the pictures out of the cache's key: hashing 800 MB would take longer than
# all the rest of a rerun. An entry is at most some 8 MB.
@st.cache_data(max_entries=8, ttl=3600, show_spinner=False)
def _payload(key: str, labels: tuple[str, str], _before: Image.Image, _after: Image.Image) -> bytes:
    return pack(patches(_before, _after), key=key, labels=labels)


def _note(size: tuple[int, int]) -> str:
    width, height = bounded_size(size, max_side=MAX_SIDE)
    if (width, height) == size:
        return ""
    return (
        f"Reduced to {width} × {height} px for this preview, with full detail inside the dashed "
        f"frame. The download has every pixel ({size[0]} × {size[1]})."
    )
