"""Clickable thumbnails, as a component without any request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

import streamlit as st

from webapp.base.component import component, hand_on


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thumbnail."""

    id: str
    title: str
    image: str
    """A data URL."""
    state: str = ""
    """A few characters over the picture: `40%`, `✓`."""
    description: str = ""
    """The state in words."""


def gallery(
    items: Iterable[Item],
    *,
    chosen: str,
    label: str,
    key: str,
    on_choose: Callable[[str], None],
    is_folded: bool = False,
) -> None:
    """Draw the thumbnails; folded, they are one row that can be scrolled.

    `on_choose` is called with the id of one that was clicked, before the page is drawn.
    """
    choices = f"{key}-choices"

    def choose(item: str) -> None:
        st.session_state[choices] = st.session_state.get(choices, 0) + 1
        on_choose(item)

    component(__file__)(
        key=key,
        data={
            "choices": st.session_state.get(choices, 0),
            "chosen": chosen,
            "label": label,
            "items": [asdict(item) for item in items],
            "isFolded": is_folded,
        },
        on_choice_change=hand_on(key, "choice", choose),
    )
