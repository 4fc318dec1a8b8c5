"""The page's head and foot, and its errors."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from backend import SettingsError, SuperResolutionError
from backend.errors import CancelledError
from webapp.base.component import FAULT
from webapp.base.messages import message_for
from webapp.base.texts import LANGUAGES, Texts

log = logging.getLogger("webapp.page")


def show_start_failure(error: SettingsError | SuperResolutionError, t: Texts) -> None:
    """Draw the page if the engine cannot be made."""
    st.title(t("start.title"), anchor=False)
    if isinstance(error, SettingsError):
        st.error(t("start.hint"), title=t("start.setting"), icon=":material/settings:")
        st.code(str(error), language=None, wrap_lines=True)
    else:
        show_error(error, t)


@contextmanager
def faults_explained(t: Texts) -> Iterator[None]:
    """Explain unexpected failures in our words instead of Streamlit's, which are for developers."""
    try:
        yield
    except Exception:
        log.exception("the page was not drawn to its end")
        show_error(SuperResolutionError(), t)


def show_fault(t: Texts) -> None:
    """Say that what the visitor did last had no effect through our fault."""
    if st.session_state.get(FAULT):
        show_error(SuperResolutionError(), t)


def show_head(t: Texts) -> None:
    """Draw the name of the page, and its language."""
    with st.container(key="head", horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch"):
            st.title(t("page.name"), anchor=False)
            st.markdown(t("page.tagline"))
        choose_language(t)


def choose_language(t: Texts) -> None:
    """Draw the list of the languages, each by its own name."""
    st.selectbox(
        t("page.language"),
        list(LANGUAGES),
        format_func=LANGUAGES.__getitem__,
        key="lang",
        persist_state="session",
        label_visibility="collapsed",
        filter_mode=None,
        width=130,
    )


def show_error(error: SuperResolutionError, t: Texts, *, name: str = "") -> None:
    """Draw a friendly box; `name` is the owner's name of a file."""
    message = message_for(error, t)
    body = f"{escape_markdown(name)}: {message.body}" if name else message.body
    if isinstance(error, CancelledError):
        st.info(body, title=message.title, icon=":material/cancel:")
    else:
        st.error(body, title=message.title, icon=":material/error:")


def escape_markdown(text: str) -> str:
    """Escape all markup in a stranger's text."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]()#+-.!|<>~$:&^=" else char for char in text)
