"""A Streamlit component from the three files of a folder, without iframe, CDN or any request."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

FOLDER = Path(__file__).parent


@cache
def component(name: str) -> ComponentRenderer:
    """The component in `webapp/NAME`: `NAME.html`, `NAME.css` and `NAME.js`."""
    html, css, js = (
        (FOLDER / name / f"{name}.{kind}").read_text(encoding="utf-8")
        for kind in ("html", "css", "js")
    )
    return st.components.v2.component(f"super_resolution_{name}", html=html, css=css, js=js)


def ignore_change() -> None:
    """A component's state and triggers exist only with a callback; the page reads them instead."""
