"""The menu under a result: which format, what quality, how large, and the file itself."""

from __future__ import annotations

from webapp.base.component import component, ignore_change


def saver(data: dict[str, object], *, key: str) -> bool:
    """Draw the menu, see `saver.js` for the data; True when the file is gone from the server."""
    result = component(__file__)(key=key, data=data, on_gone_change=ignore_change)
    return bool(result.get("gone"))
