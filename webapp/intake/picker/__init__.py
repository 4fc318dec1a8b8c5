"""The picker: pictures are chosen, dropped or pasted anywhere on the page, or linked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from webapp.base.component import component, hand_on, ignore_change

KEY = "picker"
UPLOAD_PATH = "upload"
FOLDER_PATH = "folder"


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """Files or links that came together."""

    digests: tuple[str, ...]
    """Digests of files that were uploaded."""
    refused: tuple[str, str] | None
    """(name, reason) of the last file that failed."""
    links: tuple[str, ...]
    """Addresses of pictures."""
    shown: str | None
    """The picture on the page before the server restarted: a file's digest, or "" for a sample."""


def picker(data: dict[str, object], *, on_arrival: Callable[[Arrival], None]) -> str | None:
    """Draw the drop area, see `picker.js` for the data; `on_arrival` is called before the page.

    Return the token of the browser's tab before a reload, if it asks for it.
    """

    def take(text: str) -> None:
        told = json.loads(text)
        refused = told["refused"]
        on_arrival(
            Arrival(
                digests=tuple(map(str, told["digests"])),
                refused=(str(refused["name"]), str(refused["reason"])) if refused else None,
                links=tuple(map(str, told["links"])),
                shown=None if told["shown"] is None else str(told["shown"]),
            )
        )

    result = component(__file__)(
        key=KEY,
        data=data,
        on_added_change=hand_on(KEY, "added", take),
        on_restore_change=ignore_change,
    )
    token = result.get("restore")
    return token if isinstance(token, str) and token else None
