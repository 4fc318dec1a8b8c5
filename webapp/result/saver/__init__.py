"""The menu under a result: which format, what quality, how large, and the file itself."""

from __future__ import annotations

from pathlib import Path

from webapp.base.component import component, ignore_change

FOLDER = Path(__file__).parent

__all__ = ["saver"]


def saver(data: dict[str, object], *, key: str) -> bool:
    """Draw the menu, see `saver.js` for the data; True when the file is gone from the server."""
    result = component(FOLDER)(key=key, data=data, on_gone_change=ignore_change)
    return bool(result.get("gone"))
