"""Names for downloads, made from names that strangers chose."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from backend.bulk.file_names import without_device
from backend.images.filenames import result_name
from backend.images.formats import FORMATS

LONGEST_STEM = 60


def download_name(original: str, *, scale: str, format: str, has_namesake: bool = False) -> str:
    """Return `holiday_x2.png` for `holiday.jpg` and `x2`, by the one rule of all faces.

    Anything but letters, digits, `-`, `_`, `.` and spaces becomes `-`, and the name of a device
    gets one.
    """
    path = PurePosixPath(original.replace("\\", "/"))
    stem, ending = (
        "".join(c if c.isalnum() or c in "-_. " else "-" for c in part)
        for part in (path.stem, path.suffix)
    )
    name = result_name(
        (stem.strip("-_. ") or "picture") + ending,
        label=scale,
        suffix=FORMATS[format].suffix,
        has_namesake=has_namesake,
    )
    return without_device(name)


def split_name(original: str) -> tuple[str, str]:
    """Return (stem, suffix) of a name, without characters that shells or programs interpret."""
    path = PurePosixPath(original.replace("\\", "/"))
    stem, suffix = (
        "".join(c if c.isalnum() or c in "-_" else "-" for c in part)
        for part in (path.stem, path.suffix[1:])
    )
    return stem[:LONGEST_STEM].strip("-_") or "picture", f".{suffix}" if suffix else ""


def name_from_link(url: str) -> str:
    """Return the last part of a link's path as a name for its picture."""
    return PurePosixPath(unquote(urlsplit(url).path)).name or "picture"
