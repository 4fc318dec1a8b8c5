"""Thumbnails of which one is chosen by a click, as a component without any request."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from webapp.component import component, ignore_change

__all__ = ["Item", "gallery"]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thumbnail."""

    id: str
    title: str
    image: str
    """A data URL."""
    state: str = ""
    """A few characters over the picture: `40 %`, `✓`."""
    description: str = ""
    """The state in words."""


def gallery(items: Iterable[Item], *, chosen: str, label: str, key: str) -> str:
    """Draw the thumbnails; returns the id of one that was clicked since the last run, or ""."""
    result = component("gallery")(
        key=key,
        data={"chosen": chosen, "label": label, "items": [asdict(item) for item in items]},
        on_choice_change=ignore_change,
    )
    return str(result.get("choice") or "")
