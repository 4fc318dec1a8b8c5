"""Streamlit components made of three files in a folder, without iframe, CDN or requests."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer
from streamlit.runtime.scriptrunner import RerunException

TAKEN = "taken"
"""Key of the session's state: the number of each event that was acted on last."""
FAULT = "fault"
"""Key of the session's state: True if the last event could not be acted on."""

log = logging.getLogger("webapp.page")


@cache
def component(module: str) -> ComponentRenderer:
    """Return the component of a module in the folder NAME, by the module's `__file__`.

    It is made of `NAME.html`, all `*.css`, and all `*.js`. `component.css` and `component.js` of
    this folder come first, and `NAME.js` last; it may use the functions of the others.
    """
    folder = Path(module).parent
    name = folder.name
    html = (folder / f"{name}.html").read_text(encoding="utf-8")
    css, js = (
        "\n".join(each.read_text(encoding="utf-8") for each in _files(folder, kind))
        for kind in ("css", "js")
    )
    return st.components.v2.component(f"super_resolution_{name}", html=html, css=css, js=js)


def _files(folder: Path, kind: str) -> list[Path]:
    own = sorted(folder.glob(f"*.{kind}"), key=lambda file: (file.stem == folder.name, file))
    return [Path(__file__).with_suffix(f".{kind}"), *own]


def hand_on(key: str, event: str, act: Callable[[str], None]) -> Callable[[], None]:
    """Return the callback that calls `act` with the text that `handOn` sent for an event.

    It runs before the page is drawn. If the browser asks for the next run meanwhile, any use of the
    session's state raises RerunException, so `act` begins again and must bear that. What the
    browser sends again for a component that was drawn no more meanwhile is known by its number.
    Streamlit would end the run for an unexpected failure; the page tells of it instead.
    """

    def take() -> None:
        interruption, is_done = None, None
        while True:
            try:
                told = st.session_state[key].get(event)
                taken = st.session_state.setdefault(TAKEN, {})
                if told and taken.get((key, event)) != told["number"]:
                    is_done = _is_done(act, str(told["value"]))
                    taken[key, event] = told["number"]  # at once: what was done is not repeated
                if is_done is not None:
                    st.session_state[FAULT] = not is_done
            except RerunException as exc:
                interruption = exc
            else:
                break
        if interruption is not None:
            raise interruption

    return take


def _is_done(act: Callable[[str], None], value: str) -> bool:
    """Act, and return whether that succeeded."""
    try:
        act(value)
    except Exception:
        log.exception("an event was not acted on")
        return False
    return True


def ignore_change() -> None:
    """Do nothing: Streamlit needs a callback, and the page reads the state instead."""
