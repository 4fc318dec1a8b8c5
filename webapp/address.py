"""The visitor's choices in the page's address, so that it can be shared, reloaded and gone back to.

Streamlit's own binding of widgets writes their labels into the address, which are different in
every language; this module writes names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from webapp.texts import LANGUAGES

AUTO, OFF, ADJUST = "auto", "off", "adjust"
CLEANUPS = (AUTO, OFF, ADJUST)
_WRITTEN = "address"

Parse = Callable[[str], object]
"""A value, or None for one that is not offered."""


def parsers(models: Mapping[str, Sequence[int]], samples: Sequence[str]) -> dict[str, Parse]:
    """How each parameter is read."""
    scales = {str(scale): scale for each in models.values() for scale in each}
    return {
        "lang": {each: each for each in LANGUAGES}.get,
        "sample": {each: each for each in samples}.get,
        "model": {each: each for each in models}.get,
        "scale": scales.get,
        "cleanup": {each: each for each in CLEANUPS}.get,
        "strength": _percent,
    }


def _percent(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= 3
    return int(text) if is_number and int(text) <= 100 else None


def read(parsers: Mapping[str, Parse]) -> None:
    """Take over what an address says that is not the one this page wrote."""
    given = st.query_params.to_dict()
    if given == st.session_state.get(_WRITTEN):
        return
    for name, parse in parsers.items():
        value = parse(given[name]) if name in given else None
        if value is not None:
            st.session_state[name] = value
    st.session_state[_WRITTEN] = given


def write(choices: Mapping[str, object]) -> None:
    """Show the choices in the address; None leaves a parameter out."""
    wanted = {name: str(value) for name, value in choices.items() if value is not None}
    if wanted != st.query_params.to_dict():
        st.query_params.from_dict(wanted)
    st.session_state[_WRITTEN] = wanted
