"""The orientation out of EXIF or XMP, and the few other facts that a person is told of."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from backend.images.segments.lean_file import MAX_EXIF_BYTES

EXIF_START = b"Exif\0\0"
ORIENTATION = 0x0112
MAKE, MODEL = 0x010F, 0x0110
RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x0128
CENTIMETRES = 3
DATE_CHANGED, DATE_TAKEN = 0x0132, 0x9003
EXIF_DIRECTORY, GPS_DIRECTORY = 0x8769, 0x8825
TEXT, RATIONAL = 2, 5
"""TIFF's types for them."""
MAX_TEXT_BYTES = 64
MAX_DPI = 9600
UPRIGHT = 1
_INTEGERS = {3: "H", 4: "I", 8: "h", 9: "i"}
"""TIFF's types for whole numbers, as `struct` writes them."""
_DATE = re.compile(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d", re.ASCII)
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a file tells about its picture beside the pixels, as far as anyone is told of it."""

    taken: str | None = None
    """When: `2021:05:03 14:30:00`, without a time zone, as EXIF writes it."""
    dpi: int | None = None
    has_place: bool = False
    """It says where; the place itself is not read."""
    has_camera: bool = False
    """It says with which camera."""


def orientation_from_exif(exif: bytes) -> int | None:
    """1-8 from the first directory of a TIFF structure; None when it does not say."""
    directory = _Directory.first(exif)
    found = directory.integer(ORIENTATION) if directory else None
    return found if found in range(1, 9) else None


def facts_from_exif(exif: bytes, *, dpi: int | None = None) -> Facts:
    """Nothing for what is no EXIF; `dpi` is what the container itself says."""
    first = _Directory.first(exif)
    if first is None:
        return Facts(dpi=dpi)
    start = first.integer(EXIF_DIRECTORY)
    inner = None if start is None else first.other(start)
    taken = inner.text(DATE_TAKEN) if inner else None
    return Facts(
        taken=date(taken or first.text(DATE_CHANGED) or ""),
        dpi=dpi or first.dpi(),
        has_place=GPS_DIRECTORY in first,
        has_camera=MAKE in first or MODEL in first,
    )


def date(text: str) -> str | None:
    """The text if it is a date as EXIF writes it."""
    return text if _DATE.fullmatch(text) else None


class _Directory:
    """One directory of a TIFF structure; whatever leads out of the structure is not there."""

    def __init__(self, tiff: bytes, order: str, start: int) -> None:
        self._tiff, self._order = tiff, order
        self._entries: dict[int, tuple[int, int, bytes]] = {}
        if start + 2 <= len(tiff):
            (count,) = struct.unpack_from(order + "H", tiff, start)
            entries = tiff[start + 2 : start + 2 + 12 * count]
            whole = entries[: len(entries) // 12 * 12]
            for tag, kind, values, value in struct.iter_unpack(order + "HHI4s", whole):
                self._entries[tag] = kind, values, value

    @classmethod
    def first(cls, exif: bytes) -> _Directory | None:
        """None for what is no TIFF structure."""
        tiff = exif.removeprefix(EXIF_START)[:MAX_EXIF_BYTES]
        order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
        if order is None or len(tiff) < 8:
            return None
        return cls(tiff, order, struct.unpack_from(order + "I", tiff, 4)[0])

    def other(self, start: int) -> _Directory:
        """The directory at another place of the same structure."""
        return _Directory(self._tiff, self._order, max(0, start))

    def __contains__(self, tag: int) -> bool:
        return tag in self._entries

    def integer(self, tag: int) -> int | None:
        """A single whole number."""
        kind, values, value = self._entries.get(tag, (0, 0, b""))
        if values != 1 or kind not in _INTEGERS:
            return None
        return int(struct.unpack_from(self._order + _INTEGERS[kind], value)[0])

    def text(self, tag: int) -> str | None:
        """A short text, which lies elsewhere in the structure."""
        kind, length, value = self._entries.get(tag, (0, 0, b""))
        if kind != TEXT or not 4 < length <= MAX_TEXT_BYTES:
            return None
        (start,) = struct.unpack(self._order + "I", value)
        return self._tiff[start : start + length].rstrip(b"\0 ").decode("ascii", "replace")

    def dpi(self) -> int | None:
        """The horizontal resolution, in pixels an inch."""
        kind, values, value = self._entries.get(RESOLUTION, (0, 0, b""))
        if kind != RATIONAL or values != 1:
            return None
        (start,) = struct.unpack(self._order + "I", value)
        if start + 8 > len(self._tiff):
            return None
        above, below = struct.unpack_from(self._order + "II", self._tiff, start)
        is_metric = self.integer(RESOLUTION_UNIT) == CENTIMETRES
        number = (2.54 if is_metric else 1) * above / below if below else 0
        return reasonable_dpi(number)


def reasonable_dpi(number: float) -> int | None:
    """As a whole number; None for one that nobody means."""
    return round(number) if 1 <= number <= MAX_DPI else None


def orientation_from_xmp(xmp: bytes) -> int | None:
    """1-8; None when the packet does not say."""
    found = _XMP_ORIENTATION.search(xmp[:MAX_EXIF_BYTES])
    return int(found[1]) if found else None


def orientation(*, exif: bytes, xmp: bytes = b"") -> int:
    """EXIF's where it has one, else XMP's, else upright."""
    return orientation_from_exif(exif) or orientation_from_xmp(xmp) or UPRIGHT
