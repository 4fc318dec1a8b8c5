"""The bar below the picture: progress, start and end of the work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from webapp.base.component import component, ignore_change

FOLDER = Path(__file__).parent

__all__ = ["Presses", "bar"]


@dataclass(frozen=True, kw_only=True)
class Presses:
    """Presses since the last run of the page."""

    start: bool = False
    stop: str = ""
    """The key of the request to end."""


def bar(data: dict[str, object], *, key: str) -> Presses:
    """Draw the bar, see `bar.js` for the data, and return what was pressed.

    It also draws the page again when a job of the tab ends.
    """
    result = component(FOLDER)(
        key=key,
        data=data,
        on_start_change=ignore_change,
        on_stop_change=ignore_change,
        on_over_change=ignore_change,
    )
    return Presses(start=bool(result.get("start")), stop=str(result.get("stop") or ""))
