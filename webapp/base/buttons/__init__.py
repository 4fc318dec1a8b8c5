"""A row of buttons, of which no press is lost: Streamlit's are triggers, see `component.js`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from webapp.base.component import component, hand_on


@dataclass(frozen=True, kw_only=True)
class Button:
    """A button: its words, what it looks like, and what a press does."""

    text: str
    act: Callable[[], None]
    """It is called before the page is drawn."""
    icon: str = ""
    """The name of a Material symbol."""
    kind: Literal["main", "other", "plain"] = "other"


def buttons(shown: Mapping[str, Button], *, key: str, width: Literal["stretch", "content"]) -> None:
    """Draw buttons by their names; a press on one that is gone does nothing."""

    def press(name: str) -> None:
        if name in shown:
            shown[name].act()

    component(__file__)(
        key=key,
        data={
            "buttons": [
                {"name": name, "text": each.text, "icon": each.icon, "kind": each.kind}
                for name, each in shown.items()
            ]
        },
        width=width,
        on_press_change=hand_on(key, "press", press),
    )
