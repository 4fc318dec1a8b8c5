"""File names for the parts of an S3 key, which may be any text."""

from __future__ import annotations

import os
import re
from pathlib import PurePath

NOWHERE = {"": "%", ".": "%2E", "..": "%2E%2E"}
"""Parts that cannot name a file, or that lead out of the folder."""
WINDOWS_CHARACTERS = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$')
WINDOWS_DEVICES = re.compile(
    r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[\d¹²³])(?= *(\.|$))", re.IGNORECASE
)


def file_name(part: str, *, is_windows: bool = os.name == "nt") -> str:
    """Return the part itself, or escape it with `%XX` where the system would misread it.

    Windows would take `a\\b` for a folder, `C:a` for a drive, and `aux.png` for a device. The name
    of an existing file is never changed.
    """
    if part in NOWHERE:
        return NOWHERE[part]
    if not is_windows:
        return part
    if WINDOWS_DEVICES.match(part):
        part = _escaped(part[0]) + part[1:]
    return WINDOWS_CHARACTERS.sub(lambda found: _escaped(found[0]), part)


def without_device(name: str) -> str:
    """Return a name for any system: Windows takes `aux.b.png` for a device."""
    found = WINDOWS_DEVICES.match(name)
    return name if found is None else f"{found[0]}-{name[found.end() :]}"


def folder_address(folder: PurePath) -> str:
    """Return a folder as the prefix of what lies in it, with `/` on Windows too."""
    return f"{folder.as_posix().rstrip('/')}/"


def _escaped(character: str) -> str:
    return f"%{ord(character):02X}"
