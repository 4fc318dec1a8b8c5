"""The menu under a result: which format, what quality, how large, and the file itself."""

from __future__ import annotations

from webapp.base.component import component, ignore_change


def saver(data: dict[str, object], *, key: str) -> None:
    """Draw the menu, see `saver.js` for the data.

    It has the page drawn again when the file is gone from the server.
    """
    component(__file__)(key=key, data=data, on_gone_change=ignore_change)
