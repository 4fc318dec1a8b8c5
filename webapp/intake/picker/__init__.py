"""The picker: pictures are chosen, dropped or pasted anywhere on the page, or linked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from webapp.base.component import component, hand_on

KEY = "picker"
ADDRESSES = {"upload": "upload", "link": "link", "folder": "folder", "leave": "leave"}
"""The addresses for a file, a link, the names of a folder's files, and the end of the tab."""


@dataclass(kw_only=True)
class Arrival:
    """Files and links that came together."""

    digests: list[str]
    """Digests of files that were uploaded or fetched."""
    refused: tuple[str, str] | None
    """(name, reason) of the last one that failed; a link has no name."""
    is_late: bool
    """True if the visitor has chosen another picture meanwhile."""
    shown: str | None
    """The picture on the page before the server restarted: a file's digest, or "" for a sample."""


def picker(
    data: dict[str, object],
    *,
    on_arrival: Callable[[Arrival], None],
    on_restore: Callable[[str], None],
) -> str:
    """Draw the drop area, see `picker.js` for the data.

    The callbacks are called before the page is drawn, `on_restore` with the token that the
    browser's tab had before a reload. Return the token of the tab whose pictures the browser hands
    in if it is gone, or "".
    """

    def restore(text: str) -> None:
        on_restore(str(json.loads(text)["token"]))

    def take(text: str) -> None:
        told = json.loads(text)
        refused = told["refused"]
        on_arrival(
            Arrival(
                digests=list(map(str, told["digests"])),
                refused=(str(refused["name"]), str(refused["reason"])) if refused else None,
                is_late=bool(told["isLate"]),
                shown=None if told["shown"] is None else str(told["shown"]),
            )
        )

    result = component(__file__)(
        key=KEY,
        data=data,
        on_added_change=hand_on(KEY, "added", take),
        on_restore_change=hand_on(KEY, "restore", restore),
    )
    asked = json.loads((result.get("restore") or {"value": "{}"})["value"])
    return str(asked["token"]) if asked.get("hasPictures") else ""
