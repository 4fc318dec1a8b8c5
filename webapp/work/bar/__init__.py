"""The bar below the picture: progress, start and end of the work."""

from __future__ import annotations

from collections.abc import Callable

from webapp.base.component import component, hand_on, ignore_change

KEY = "bar-work"


def bar(
    data: dict[str, object],
    *,
    on_start: Callable[[str], None],
    on_stop: Callable[[str], None],
) -> None:
    """Draw the bar, see `bar.js` for the data; the callbacks get the key of the request.

    It also draws the page again when a job of the tab ends.
    """
    component(__file__)(
        key=KEY,
        data=data,
        on_start_change=hand_on(KEY, "start", on_start),
        on_stop_change=hand_on(KEY, "stop", on_stop),
        on_over_change=ignore_change,
    )
