"""JPEG (ITU-T T.81): segments up to the first scan, then scans."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

from backend.errors import ImageError
from backend.images.colour import SRGB, Colour, colour_from_profile
from backend.images.formats import JPEG
from backend.images.segments.exif import EXIF_START, UPRIGHT, Dpi, read_exif, reasonable_dpi
from backend.images.segments.lean_file import LeanFile
from backend.images.segments.limits import Count, not_read

MAX_SEGMENTS = 4096
"""The most segments; 32 MiB of metadata in full segments are 512."""
MAX_SCANS = 64
"""Encoders of progressive files write about ten; each scan goes over the whole picture again."""

START_OF_IMAGE, END_OF_IMAGE, START_OF_SCAN = 0xD8, 0xD9, 0xDA
START, END = b"\xff\xd8", b"\xff\xd9"
SCAN_DATA = 0
"""Stands for a marker where there is none."""
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Start of frame of every kind: between them are DHT, JPG and DAC."""
LOSSLESS = 0xC3
SEQUENTIAL = (0xC0, 0xC1, LOSSLESS)
"""Kinds that send each component in one scan."""
COEFFICIENTS = 64
"""Coefficients of a block."""
UNREAD_FRAMES = frozenset({0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF})
"""Hierarchical and lossless kinds that no decoder in use reads."""
JFIF, EXIF, PROFILE, IPTC, ADOBE, COMMENT = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE
APPLICATION = range(0xE0, 0xF0)
JPEG_LS = 0xF7
"""Start of frame of another way to pack without loss, by ITU-T T.87."""
WITHOUT_LENGTH = frozenset({*range(0xD0, 0xD8), START_OF_IMAGE, END_OF_IMAGE})
WITH_LENGTH = frozenset({*range(0xC0, 0xD0), *range(0xDA, 0xF0), COMMENT}) - {0xC8}
BETWEEN_SCANS = frozenset({0xC4, 0xCC, START_OF_SCAN, 0xDB, 0xDD, *APPLICATION, COMMENT})
"""Markers that may follow a scan: tables, a scan and metadata."""
XMP_START = b"http://ns.adobe.com/xap/1.0/\0"
PROFILE_START = b"ICC_PROFILE\0"
GAIN_MAPS_IN_XMP = (b"hdrgm:Version", b"ns.adobe.com/hdr-gain-map/")
GAIN_MAP_START = b"urn:iso:std:iso:ts:21496:-1\0"
"""The marks of an HDR gain map behind the picture, by Adobe and by ISO."""
GAIN_MAP_BEHIND = b"urn:com:apple:photo:2020:aux:hdrgainmap"
"""Apple's mark, which stands in the gain map itself."""
_DPI = {1: 1.0, 2: 2.54}
"""Factors of JFIF's units: pixels an inch and pixels a centimetre; others are none."""

_MARKER = re.compile(rb"\xff[^\x00\xff]")
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""A marker, as opposed to a stuffed zero, a fill byte or, inside a scan, a restart."""


@dataclass
class _Found:
    """The facts seen so far."""

    size: tuple[int, int] | None = None
    components: int = 0
    is_sequential: bool = False
    is_lossless: bool = False
    is_chroma_halved: bool = False
    exif: bytes = b""
    dpi: Dpi | None = None
    xmp: bytes = b""
    iptc: bytes = b""
    profile: dict[int, bytes] = field(default_factory=dict)
    profile_parts: int | None = None
    """The number that the first part states."""
    has_iso_gain_map: bool = False
    has_scan: bool = False
    sent: set[tuple[int, int]] = field(default_factory=set)
    """(component, coefficient) of all that scans have brought to their last bit."""

    def take(self, marker: int, content: bytes) -> None:
        """Take a segment; behind the first scan, only other scans count."""
        if marker == START_OF_SCAN:
            self._take_scan(content)
        elif self.has_scan:
            return
        elif marker in FRAMES:
            self._take_frame(marker, content)
        elif marker == EXIF and content.startswith(EXIF_START[:-1]):  # the last byte may be any
            self.exif = self.exif or content[len(EXIF_START) :]
        elif marker == EXIF and content.startswith(XMP_START):
            self.xmp = self.xmp or content.removeprefix(XMP_START)
        elif marker == IPTC:
            self.iptc = self.iptc or content
        elif marker == JFIF and content.startswith(b"JFIF\0") and len(content) >= 12:
            factor = _DPI.get(content[7], 0)
            sides = (content[8:10], content[10:12])
            self.dpi = reasonable_dpi(*(factor * int.from_bytes(each) for each in sides))
        elif marker == PROFILE and content.startswith(GAIN_MAP_START):
            self.has_iso_gain_map = True
        elif marker == PROFILE and content.startswith(PROFILE_START):
            number, parts, *_ = content.removeprefix(PROFILE_START)[:2] + b"\0\0"
            self.profile_parts = parts if self.profile_parts is None else self.profile_parts
            # Some programs write every part twice, or the profiles of later pictures too.
            if parts == self.profile_parts:
                self.profile.setdefault(number, content[len(PROFILE_START) + 2 :])

    def _take_frame(self, marker: int, content: bytes) -> None:
        if self.size is not None or len(content) < 6:
            raise ImageError
        if marker in UNREAD_FRAMES:
            raise not_read("Lossless and hierarchical JPEG files are")
        if content[0] != 8:
            raise not_read(f"JPEG files of {content[0]} bits a channel are")
        self.size = int.from_bytes(content[3:5]), int.from_bytes(content[1:3])
        self.components = content[5]
        self.is_sequential = marker in SEQUENTIAL
        self.is_lossless = marker == LOSSLESS
        sampling = content[7::3][: self.components]
        self.is_chroma_halved = len(sampling) >= 3 and all(
            sampling[0] >> 4 > each >> 4 and sampling[0] & 15 > each & 15 for each in sampling[1:3]
        )

    def _take_scan(self, header: bytes) -> None:
        """Note a scan's components and, in progressive files, its coefficients."""
        self.has_scan = True
        components = header[1 : 1 + 2 * header[0] : 2] if header else b""
        first, last, depth = 0, COEFFICIENTS - 1, 0
        if not self.is_sequential:
            first, last, depth = [*header[1 + 2 * len(components) :], 0, 0, 0][:3]
        if not depth & 15:
            self.sent.update(product(components, range(first, min(last + 1, COEFFICIENTS))))

    @property
    def is_whole(self) -> bool:
        """True if no scan is missing."""
        return len(self.sent) >= COEFFICIENTS * self.components

    @property
    def is_over(self) -> bool:
        """True if all components were sent, by a kind of file that sends each of them once."""
        return self.has_scan and self.is_sequential and self.is_whole

    def colour(self) -> Colour | None:
        """Join the parts of the profile in their order; None if one is missing."""
        if sorted(self.profile) != list(range(1, (self.profile_parts or 0) + 1)):
            return None
        return colour_from_profile(b"".join(part for _, part in sorted(self.profile.items())))


def lean_jpeg(data: bytes) -> LeanFile:
    """Leave out comments and application data, except what describes the colours.

    Everything after the end of the first picture is left out: thumbnails, videos, archives.
    """
    found = _Found()
    kept: list[bytes | memoryview] = [START]
    is_cut = True
    for marker, piece in _pieces(data):
        if marker == END_OF_IMAGE:
            is_cut = False
            break
        if marker == SCAN_DATA:
            kept.append(piece)
            continue
        if found.is_over:
            break
        content = bytes(piece[4:])
        found.take(marker, content)
        if not _is_metadata(marker, content):
            kept.append(piece)
    if found.size is None or not found.is_whole:
        raise ImageError
    exif = read_exif(found.exif)
    return LeanFile(
        data=b"".join((*kept, END)),
        file_format=JPEG,
        size=found.size,
        orientation=exif.orientation or UPRIGHT,
        colour=found.colour() or exif.colour or SRGB,
        facts=exif.beside(dpi=found.dpi, xmp=found.xmp, iptc=found.iptc),
        is_lossless=found.is_lossless,
        is_chroma_halved=found.is_chroma_halved,
        has_gain_map=found.has_iso_gain_map
        or any(mark in found.xmp for mark in GAIN_MAPS_IN_XMP)
        or GAIN_MAP_BEHIND in data,
        is_cut=is_cut,
    )


def _pieces(data: bytes) -> Iterator[tuple[int, memoryview]]:
    """Walk (marker, bytes) of segments, and of the data of scans, up to the end of the picture.

    Markers without a segment have no bytes. Raise ImageError for what is no marker.
    """
    view = memoryview(data)
    segments, scans = Count("segments", limit=MAX_SEGMENTS), Count("scans", limit=MAX_SCANS)
    at, has_scan, in_scan = len(START), False, False
    while match := (_MARKER_IN_SCAN if in_scan else _MARKER).search(data, at):
        segments.add()
        if in_scan:
            yield SCAN_DATA, view[at : match.start()]
        start, at = match.span()
        marker = data[at - 1]
        if marker in WITHOUT_LENGTH:
            yield marker, view[:0]
            continue
        if has_scan and not _is_part(data, at, marker):
            return
        if marker not in WITH_LENGTH:
            raise not_read("JPEG-LS files are") if marker == JPEG_LS else ImageError
        at += max(2, int.from_bytes(data[at : at + 2]))
        if at > len(data):
            return
        in_scan = marker == START_OF_SCAN
        if in_scan:
            scans.add()
            has_scan = True
        yield marker, view[start:at]
    if in_scan:
        yield SCAN_DATA, view[at:]


def _is_part(data: bytes, at: int, marker: int) -> bool:
    """Return whether the bytes behind a scan are a segment, and do not just look like one."""
    end = at + int.from_bytes(data[at : at + 2])
    if marker not in BETWEEN_SCANS or end < at + 2 or end >= len(data):
        return False
    if marker == START_OF_SCAN:
        return end - at == 6 + 2 * data[at + 2]
    return data[end] == 0xFF


def _is_metadata(marker: int, content: bytes) -> bool:
    """Return whether the pixels can do without it; they need JFIF's and Adobe's headers."""
    if marker == JFIF:
        return not content.startswith(b"JFIF")
    if marker == ADOBE:
        return not content.startswith(b"Adobe")
    return marker in APPLICATION or marker == COMMENT
