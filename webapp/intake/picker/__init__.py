"""The picker: pictures are chosen, dropped or pasted anywhere on the page, or linked."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.base.component import component, ignore_change

UPLOAD_PATH = "upload"
FOLDER_PATH = "folder"


@dataclass(frozen=True, kw_only=True)
class Events:
    """Events since the last run of the page."""

    added: tuple[str, ...] = ()
    """Digests of files that were uploaded."""
    refused: tuple[str, str] | None = None
    """(name, reason) of the last file that failed."""
    links: tuple[str, ...] = ()
    """Addresses of pictures."""
    shown: str | None = None
    """The picture on the page before the server restarted: a file's digest, or "" for a sample."""
    restore: str | None = None
    """The token of the browser's tab before a reload."""


def picker(data: dict[str, object]) -> Events:
    """Draw the drop area and return what happened; see `picker.js` for the data."""
    result = component(__file__)(
        key="picker",
        data=data,
        on_added_change=ignore_change,
        on_restore_change=ignore_change,
    )
    upload = result.get("added") or {}
    refused = upload.get("refused")
    return Events(
        added=tuple(str(each) for each in upload.get("digests", ())),
        refused=(str(refused["name"]), str(refused["reason"])) if refused else None,
        links=tuple(str(each) for each in upload.get("links", ())),
        shown=None if upload.get("shown") is None else str(upload["shown"]),
        restore=_text(result.get("restore")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
