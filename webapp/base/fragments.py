"""Parts of the page that draw themselves again and again, and what Streamlit needs for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st
from streamlit.delta_generator_singletons import context_dg_stack, get_default_dg_stack_value

POLL_SECONDS = 0.5

P = ParamSpec("P")


def polled(draw: Callable[P, None]) -> Callable[P, None]:
    """A fragment that is drawn again every half second, in a container of its own.

    When it is drawn before the browser has got the whole page before it, Streamlit drops the
    fragment's place from that page, and the fragment would replace the neighbour that moves up.
    """
    fragment = st.fragment(draw, run_every=POLL_SECONDS)

    @wraps(draw)
    def draw_alone(*args: P.args, **kwargs: P.kwargs) -> None:
        with st.container():
            fragment(*args, **kwargs)

    return draw_alone


def leave_fragment() -> None:
    """Draw on the page from here on.

    A run that follows a fragment's in the same thread would draw the whole page inside that
    fragment's place, which ends in Streamlit's "Bad delta path index" and an empty page: the stack
    of containers is a variable of the thread, and only an interrupted run resets it.
    """
    context_dg_stack.set(get_default_dg_stack_value())
