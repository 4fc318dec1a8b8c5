"""Thumbnails of which one is picked by a click, as a Streamlit component without any request."""

import functools
from collections.abc import Iterable
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from webapp.samples import Sample

__all__ = ["gallery"]

_FOLDER = Path(__file__).parent


def gallery(samples: Iterable[Sample], *, picked: str, key: str) -> str:
    """Draw the thumbnails and return the file name of the picked one."""
    result = _renderer()(
        key=key,
        data={"picked": picked, "items": _items(tuple(samples))},
        default={"picked": picked},
        on_picked_change=_keep,
    )
    return str(result.get("picked") or picked)


def _keep() -> None:
    """A component's state exists only with a callback; the page needs none."""


@functools.cache
def _items(samples: tuple[Sample, ...]) -> list[dict[str, str]]:
    return [
        {"id": sample.file, "title": sample.title, "image": sample.thumbnail()}
        for sample in samples
    ]


@functools.cache
def _renderer() -> ComponentRenderer:
    css, js = ((_FOLDER / f"gallery.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    html = '<div class="gallery" role="radiogroup" aria-label="Sample pictures"></div>'
    return st.components.v2.component("super_resolution_gallery", html=html, css=css, js=js)
