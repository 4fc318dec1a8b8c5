"""The choice of the scale, which says what each one means before it is taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from webapp.base.component import component

FOLDER = Path(__file__).parent

__all__ = ["Choice", "choose_scale"]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One scale with its size, bytes and time in words."""

    value: str
    label: str


def choose_scale(
    choices: Sequence[Choice],
    *,
    chosen: str,
    label: str,
    key: str,
    on_choose: Callable[[str], None],
) -> None:
    """Draw the list; `on_choose` is called with another choice before the page is drawn."""

    def take() -> None:
        choice = st.session_state[key].get("choice")
        if choice:
            on_choose(str(choice))

    component(FOLDER)(
        key=key,
        data={"label": label, "chosen": chosen, "choices": [asdict(each) for each in choices]},
        on_choice_change=take,
    )
