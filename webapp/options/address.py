"""The visitor's choices in the page's address, so that it can be shared, reloaded and gone back to.

Streamlit's own binding of widgets writes their labels into the address, which are different in
every language; this module writes names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from backend.errors import RequestError
from backend.options import OPTIONS
from backend.sizes import READERS
from webapp.base.texts import LANGUAGES

ESTIMATED, OFF, ADJUST = "auto", "off", "adjust"
CLEANUPS = (ESTIMATED, OFF, ADJUST)
_IS_READ = "address"

Parse = Callable[[str], object]
"""A value, or None if it is not offered."""


def parsers(models: Mapping[str, Sequence[int]], samples: Sequence[str]) -> dict[str, Parse]:
    """Return the reader of each parameter; only offered values are read."""
    scales: dict[str, object] = {str(scale): scale for each in models.values() for scale in each}
    return {
        **{name: _exact_size(name) for name in READERS},
        "lang": {each: each for each in LANGUAGES}.get,
        "sample": {each: each for each in samples}.get,
        "model": {each: each for each in models}.get,
        "scale": scales.get,
        "cleanup": {each: each for each in CLEANUPS}.get,
        "strength": _number("cleanup"),
        "detail": _number("detail"),
    }


def _number(name: str) -> Parse:
    """Return the reader of a numeric option."""
    return _offered(lambda text: OPTIONS[name].read(text) if text.isdigit() else None)


def _exact_size(option: str) -> Parse:
    """Return the reader of the name of an exact size."""
    return _offered(lambda text: READERS[option](text).name)


def _offered(read: Parse) -> Parse:
    """Return a reader for which a value that is refused is not offered."""

    def parse(text: str) -> object:
        try:
            return read(text)
        except RequestError:
            return None

    return parse


def read(parsers: Mapping[str, Parse]) -> None:
    """Read the address when the page is opened, and when the visitor goes back.

    At all other times it is what this page wrote, now or earlier: a browser reports a click with
    the address of that moment.
    """
    context = get_script_run_ctx()
    goes_back = context is not None and context.is_history_navigation
    if _IS_READ in st.session_state and not goes_back:
        return
    given = st.query_params.to_dict()
    if goes_back:  # perhaps to the default for the picture's size
        st.session_state.pop("scale", None)
    for name, parse in parsers.items():
        value = parse(given[name]) if name in given else None
        if value is not None:
            st.session_state["scale" if name in READERS else name] = value
    st.session_state[_IS_READ] = True


def write(choices: Mapping[str, object]) -> None:
    """Show the choices in the address; None leaves a parameter out."""
    wanted = {name: str(value) for name, value in choices.items() if value is not None}
    if wanted != st.query_params.to_dict():
        st.query_params.from_dict(wanted)
