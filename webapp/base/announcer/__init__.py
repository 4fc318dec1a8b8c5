"""Announcements for screen readers and inactive tabs: title, live region, focus."""

from __future__ import annotations

from webapp.base.component import component


def announce(
    *,
    title: str,
    message: str,
    language: str,
    result: str = "",
    leaving: bool = False,
) -> None:
    """Set the tab's title and say the message; draws nothing.

    A new `result` takes the focus if nothing else has it. `leaving` makes the browser ask before
    the tab is closed.
    """
    component(__file__)(
        key="announcer",
        data={
            "title": title,
            "message": message,
            "language": language,
            "result": result,
            "leaving": leaving,
        },
    )
