"""EXIF, read by Pillow: the orientation, the colour space, and facts to show."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from PIL import ExifTags, Image

from backend.images.colour import ADOBE_RGB, Colour
from backend.images.rights import (
    Rights,
    line,
    rights_from_iptc,
    rights_from_xmp,
    taken_from_iptc,
    taken_from_xmp,
)
from backend.images.segments.limits import HEADER_ERRORS, MAX_EXIF_BYTES

EXIF_START = b"Exif\0\0"
STARTS = (b"II*\0", b"MM\0*")
NO_UNIT, CENTIMETRES = 1, 3
MAX_DPI = 9600
UPRIGHT = 1
QUARTER_TURNS = (5, 6, 7, 8)
"""Orientations that swap width and height."""
ADOBE_SPACE, UNCALIBRATED = 2, 0xFFFF
ADOBE_INTEROP = "R03"
Dpi = tuple[int, int]
"""(horizontal, vertical), in pixels an inch."""
_DATE = re.compile(
    r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:[+-]\d\d:\d\d)?", re.ASCII
)
SECOND_CHARACTERS = len("2021:05:03 14:30:00")
"""The characters of a moment without its fraction and offset."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Facts about its picture that a file states, as far as they are used."""

    taken: str | None = None
    """The moment: `2021:05:03 14:30:00`, and `.25` and `+02:00` behind it where they are stated."""
    dpi: Dpi | None = None
    has_place: bool = False
    """True if it states a place, which is not read."""
    has_camera: bool = False
    """True if it names a camera."""
    rights: Rights = field(default_factory=Rights)

    def turned(self, orientation: int) -> Facts:
        """Return the facts about the picture once it is turned upright."""
        is_quarter = orientation in QUARTER_TURNS
        return replace(self, dpi=self.dpi[::-1]) if self.dpi and is_quarter else self


@dataclass(frozen=True, kw_only=True)
class ExifFacts:
    """The facts from EXIF."""

    orientation: int | None = None
    """1-8; None if it is not stated."""
    colour: Colour | None = None
    facts: Facts = field(default_factory=Facts)

    def beside(
        self,
        *,
        dpi: Dpi | None = None,
        xmp: bytes = b"",
        iptc: bytes = b"",
        rights: Rights | None = None,
    ) -> Facts:
        """Return the facts, with those of XMP, IPTC and the container where EXIF has none.

        The container's own resolution wins.
        """
        found = self.facts.rights.or_else(rights_from_xmp(xmp))
        found = found.or_else(rights_from_iptc(iptc)).or_else(rights or Rights())
        taken = self.facts.taken or date(taken_from_xmp(xmp)) or date(taken_from_iptc(iptc))
        return replace(self.facts, taken=taken, dpi=dpi or self.facts.dpi, rights=found)


def read_exif(exif: bytes) -> ExifFacts:
    """Read a TIFF structure, or the beginning of one; return nothing if it is malformed."""
    tiff = exif.removeprefix(EXIF_START)[:MAX_EXIF_BYTES]
    if not tiff.startswith(STARTS):
        return ExifFacts()
    found = Image.Exif()
    try:
        found.load(tiff)
    except (*HEADER_ERRORS, Warning):
        return ExifFacts()
    return facts_from(found)


def facts_from(found: Image.Exif) -> ExifFacts:
    """Take the used fields from the directories that Pillow has read."""
    try:
        first: dict[int, Any] = dict(found)
        inner = found.get_ifd(ExifTags.IFD.Exif)
        interop = found.get_ifd(ExifTags.IFD.Interop)
    except (*HEADER_ERRORS, Warning):
        return ExifFacts()
    base = ExifTags.Base
    orientation = first.get(base.Orientation)
    taken = _moment(
        inner.get(base.DateTimeOriginal),
        inner.get(base.SubsecTimeOriginal),
        inner.get(base.OffsetTimeOriginal),
    ) or _moment(first.get(base.DateTime), inner.get(base.SubsecTime), inner.get(base.OffsetTime))
    return ExifFacts(
        orientation=orientation if orientation in range(1, 9) else None,
        colour=_colour(inner.get(base.ColorSpace), interop),
        facts=Facts(
            taken=taken,
            dpi=_dpi(first),
            has_place=ExifTags.IFD.GPSInfo in first,
            has_camera=base.Make in first or base.Model in first,
            rights=Rights(
                copyright=_text(first.get(base.Copyright)),
                creator=_text(first.get(base.Artist)),
            ),
        ),
    )


def _text(found: object) -> str | None:
    """Return a text in UTF-8, which programs write in place of ASCII; Pillow reads Latin-1."""
    if isinstance(found, str):
        with suppress(UnicodeError):
            found = found.encode("latin-1").decode()
    return line(found)


def _moment(seconds: object, fraction: object, offset: object) -> str | None:
    """Join the moment of a picture; a wrong fraction or offset is left out."""
    taken = date(seconds)
    for start, part in (".", fraction), ("", offset):
        taken = taken and (date(taken + start + _plain(part)) or taken)
    return taken


def _plain(text: object) -> str:
    return text.rstrip("\0 ") if isinstance(text, str) else ""


def date(text: object) -> str | None:
    """Return the text if it is a moment as in `Facts.taken`."""
    found = _DATE.fullmatch(_plain(text))
    if found is None:
        return None
    try:
        year, month, day, hour, minute, second = map(int, found.groups())
        datetime(year, month, day, hour, minute, second)  # cameras fill in zeros or worse
    except ValueError:
        return None
    return found[0]


def reasonable_dpi(*numbers: float) -> Dpi | None:
    """Round a resolution, horizontal and vertical; return None for an implausible one."""
    if not all(1 <= number <= MAX_DPI for number in numbers):
        return None
    horizontal, vertical = map(round, numbers)
    return horizontal, vertical


def _dpi(first: Mapping[int, Any]) -> Dpi | None:
    base = ExifTags.Base
    unit = first.get(base.ResolutionUnit)
    if unit == NO_UNIT:
        return None
    factor = 2.54 if unit == CENTIMETRES else 1.0
    horizontal = first.get(base.XResolution, 0)
    try:
        numbers = [float(each) for each in (horizontal, first.get(base.YResolution, horizontal))]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return reasonable_dpi(*(factor * number for number in numbers))


def _colour(space: object, interop: Mapping[int, Any]) -> Colour | None:
    """Recognise Adobe RGB, for which EXIF has no number of its own."""
    index = interop.get(ExifTags.Interop.InteropIndex)
    is_adobe = isinstance(index, str) and index.startswith(ADOBE_INTEROP)
    if space == ADOBE_SPACE or (space == UNCALIBRATED and is_adobe):
        return ADOBE_RGB
    return None
