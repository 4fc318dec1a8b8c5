"""JPEG (ITU-T T.81): segments up to the first scan, then scans."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from backend.images.segments.exif import EXIF_START, orientation, reasonable_dpi
from backend.images.segments.lean_file import (
    MAX_EXIF_BYTES,
    MAX_PROFILE_BYTES,
    Count,
    LeanFile,
    damaged,
)

MAX_SEGMENTS = 4096
"""32 MiB of metadata in full segments are 512 of them."""
MAX_SCANS = 64
"""Encoders of progressive files write about ten; each scan goes over the whole picture again."""

START_OF_IMAGE, END_OF_IMAGE, START_OF_SCAN = 0xD8, 0xD9, 0xDA
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Start of frame of every kind: between them are DHT, JPG and DAC."""
JFIF, EXIF, PROFILE, ADOBE, COMMENT = 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
APPLICATION = range(0xE0, 0xF0)
WITHOUT_LENGTH = frozenset({*range(0xD0, 0xD8), START_OF_IMAGE, END_OF_IMAGE})
WITH_LENGTH = frozenset({*range(0xC0, 0xD0), *range(0xDA, 0xF0), COMMENT}) - {0xC8}
XMP_START = b"http://ns.adobe.com/xap/1.0/\0"
_DPI = {1: 1.0, 2: 2.54}
"""By JFIF's units: pixels an inch and pixels a centimetre; others are none."""
PROFILE_START = b"ICC_PROFILE\0"

_MARKER = re.compile(rb"\xff[^\x00\xff]")
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""Neither a stuffed zero, nor fill, nor, inside a scan, a restart."""


@dataclass
class _Found:
    """What was seen so far."""

    kept: list[bytes] = field(default_factory=lambda: [b"\xff\xd8"])
    size: tuple[int, int] | None = None
    exif: bytes = b""
    dpi: int | None = None
    xmp: bytes = b""
    profile: list[bytes] = field(default_factory=list)

    def take(self, marker: int, content: bytes) -> None:
        """A segment before the first scan."""
        if marker in FRAMES:
            if self.size is not None or len(content) < 6:
                raise damaged()
            self.size = int.from_bytes(content[3:5]), int.from_bytes(content[1:3])
        if marker == EXIF and content.startswith(EXIF_START):
            self.exif = self.exif or content
        elif marker == EXIF and content.startswith(XMP_START):
            self.xmp = content.removeprefix(XMP_START)
        elif marker == JFIF and content.startswith(b"JFIF\0") and len(content) >= 10:
            factor = _DPI.get(content[7], 0)
            self.dpi = reasonable_dpi(factor * int.from_bytes(content[8:10]))
        elif marker == PROFILE and content.startswith(PROFILE_START):
            self.profile.append(content.removeprefix(PROFILE_START))

    def icc_profile(self) -> bytes | None:
        """The parts in the order that they name; None when they are not as many as they say."""
        parts = sorted(self.profile)
        if not parts or len(parts[0]) < 2 or parts[0][1] != len(parts):
            return None
        profile = b"".join(part[2:] for part in parts)
        return profile if len(profile) <= MAX_PROFILE_BYTES else None


def lean_jpeg(data: bytes) -> LeanFile:
    """Without comments and application data, but for what says which colours are stored.

    Whatever follows the end of the first picture is left out: thumbnails, videos, archives.
    """
    found = _Found()
    segments = Count("segments", limit=MAX_SEGMENTS)
    scans = Count("scans", limit=MAX_SCANS)
    at, has_scan, in_scan, is_left_out = 2, False, False, False
    while match := (_MARKER_IN_SCAN if in_scan else _MARKER).search(data, at):
        segments.add()
        if in_scan:
            found.kept.append(data[at : match.start()])
        at = match.end()
        marker = data[at - 1]
        if marker == END_OF_IMAGE:
            is_left_out = True
            break
        if marker not in WITH_LENGTH:
            if has_scan and marker not in WITHOUT_LENGTH:
                found.kept.append(match[0])  # the decoder says what it thinks of it
            elif marker not in WITHOUT_LENGTH:
                raise damaged()
            continue
        segment = data[at : at + max(2, int.from_bytes(data[at : at + 2]))]
        at += len(segment)
        is_left_out = _is_metadata(marker, segment)
        in_scan = marker == START_OF_SCAN
        if in_scan:
            scans.add()
            has_scan = True
        if not has_scan:
            found.take(marker, segment[2:])
        if not is_left_out:
            found.kept.append(match[0] + segment)
    else:
        if in_scan:
            found.kept.append(data[at:])
    if is_left_out:  # whatever it was, it ended the scan before it
        found.kept.append(b"\xff\xd9")
    return LeanFile(
        data=b"".join(found.kept),
        size=found.size,
        orientation=orientation(exif=found.exif, xmp=found.xmp),
        icc_profile=found.icc_profile(),
        exif=found.exif[:MAX_EXIF_BYTES],
        dpi=found.dpi,
    )


def _is_metadata(marker: int, segment: bytes) -> bool:
    """JFIF's and Adobe's headers say what the components mean; the others only tell about it."""
    if marker == JFIF:
        return not segment[2:].startswith(b"JFIF")
    if marker == ADOBE:
        return not segment[2:].startswith(b"Adobe")
    return marker in APPLICATION or marker == COMMENT
