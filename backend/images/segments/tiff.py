"""TIFF and BigTIFF: the choice of a file's picture, which is made its first one."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from backend.errors import ImageError
from backend.images.segments.limits import HEADER_ERRORS, Count, camera_raw, not_read
from backend.images.segments.tiff_layout import (
    PALETTE,
    PHOTOMETRIC,
    PLANAR,
    Directory,
    Layout,
    number,
)

MAX_DIRECTORIES = 64
"""The most pages and previews that are examined; a file may have more."""
MAX_TAGS = 4096
"""Tags of all directories together; programs write some twenty in each."""
VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
               16: 8, 17: 8, 18: 8}  # fmt: skip
"""Bytes of a value, by the number of its TIFF type."""
BIG = 43
"""The version of files with 64-bit offsets."""
BIG_FROM_THE_BIG_END = b"MM\0+"
"""The beginnings of files that Pillow takes for other formats."""
SUBFILE_TYPE, OLD_SUBFILE_TYPE, SUB_DIRECTORIES, DNG_VERSION = 254, 255, 330, 50706
WIDTH, HEIGHT, ORIENTATION, PALETTE_LEVELS, IPTC, PROFILE = 256, 257, 274, 320, 33723, 34675
REDUCED, OLD_REDUCED = 1, 2
CANON = b"CR\x02"
SENSOR_DATA = (32803, 34892)
"""Photometric interpretations of raw sensor data."""


@dataclass(frozen=True, kw_only=True)
class TiffPicture:
    """The full picture of a file, which is not always the first one."""

    data: bytes
    """The file with this picture in front."""
    frames: int
    bits: int
    orientation: int
    """The one that stands beside the preview alone; else 1, since Pillow obeys the picture's."""
    profile: bytes | None
    """The ICC profile, which may stand beside the preview."""
    iptc: bytes


class _Member(NamedTuple):
    """A directory of the file: a page, or something below one."""

    place: int
    directory: Directory
    is_page: bool

    @property
    def is_reduced(self) -> bool:
        kind = number(self.directory, SUBFILE_TYPE, 0)
        old = number(self.directory, OLD_SUBFILE_TYPE, 0)
        return bool(kind & REDUCED) or old == OLD_REDUCED

    @property
    def is_raw(self) -> bool:
        photometric = number(self.directory, PHOTOMETRIC, 0)
        return DNG_VERSION in self.directory or photometric in SENSOR_DATA

    @property
    def pixels(self) -> int:
        return number(self.directory, WIDTH, 0) * number(self.directory, HEIGHT, 0)


def full_picture(data: bytes) -> TiffPicture:
    """Raise ImageError for a damaged file, and UnsupportedMediaTypeError for a layout."""
    if data[:4] == BIG_FROM_THE_BIG_END:
        raise not_read("BigTIFF files with the large byte first are")
    try:
        return _full_picture(data, list(_members(data)))
    except (*HEADER_ERRORS, Warning) as exc:
        raise ImageError from exc


def _full_picture(data: bytes, members: Sequence[_Member]) -> TiffPicture:
    if not members:
        raise ImageError
    if data[8:11] == CANON or any(each.is_raw for each in members):
        raise camera_raw()
    first, full = members[0], [each for each in members if not each.is_reduced]
    # A larger picture below the first one shows that this is a preview, even if unmarked.
    larger = [each for each in full if not each.is_page and each.pixels > first.pixels]
    chosen = max(full if first.is_reduced else larger, key=lambda each: each.pixels, default=first)
    layout = Layout(chosen.directory)
    layout.check()
    profile = chosen.directory.get(PROFILE) or first.directory.get(PROFILE)
    has_own = chosen is first or ORIENTATION in chosen.directory
    lean = data
    if layout.samples == 1:
        lean = _without_planes(lean, chosen.place)
    if layout.photometric == PALETTE:
        lean = _with_wide_palette(lean, chosen.place)
    return TiffPicture(
        data=_starting_at(lean, chosen.place),
        frames=max(1, sum(each.is_page for each in full)),
        bits=layout.bits[0],
        orientation=1 if has_own else number(first.directory, ORIENTATION, 1),
        profile=profile if isinstance(profile, bytes) else None,
        iptc=data[_span(data, chosen.place, IPTC)] or data[_span(data, first.place, IPTC)],
    )


def _members(data: bytes) -> Iterator[_Member]:
    """Walk the chain of pages, and what lies below them.

    Raise ImageError for directories that are long, or whose values together exceed the file.
    """
    is_big = BIG in data[2:4]
    header = data[: 16 if is_big else 8]
    order, head, _ = _shape(data)
    file, seen, room = io.BytesIO(data), set[int](), len(data)
    pending, tags = [(Directory(header).next, True)], Count("tags", limit=MAX_TAGS)
    while pending and len(seen) < MAX_DIRECTORIES:
        at, is_page = pending.pop(0)
        if not at or at in seen:
            continue
        seen.add(at)
        tags.add(struct.unpack_from(order + head, data, at)[0])
        room -= sum(value_bytes for _, _, value_bytes, _ in _entries(data, at))
        if room < 0:
            raise ImageError
        file.seek(at)
        directory = Directory(header)
        directory.load(file)
        yield _Member(at, directory, is_page)
        below = directory.get(SUB_DIRECTORIES, ())
        below = below if isinstance(below, tuple) else (below,)
        pending += [(each, False) for each in below if isinstance(each, int)]
        if is_page:
            pending.append((directory.next, True))


def _entries(data: bytes, place: int) -> Iterator[tuple[int, int, int, bytes]]:
    """Walk (tag, place, bytes of the value, last field) of a directory's entries."""
    order, head, entry = _shape(data)
    (count,) = struct.unpack_from(order + head, data, place)
    step, at = struct.calcsize(order + entry), place + struct.calcsize(head)
    for _ in range(min(count, MAX_TAGS, (len(data) - at) // step)):
        tag, kind, number, last = struct.unpack_from(order + entry, data, at)
        yield tag, at, VALUE_BYTES.get(kind, 0) * number, last
        at += step


def _span(data: bytes, place: int, wanted: int) -> slice:
    """Return where a tag's value stands; an empty slice without it."""
    order, _, entry = _shape(data)
    for tag, at, value_bytes, last in _entries(data, place):
        if tag == wanted:
            start = at + struct.calcsize(order + entry) - len(last)
            if value_bytes > len(last):
                (start,) = struct.unpack(order + ("Q" if len(last) == 8 else "I"), last)
            return slice(start, start + value_bytes)
    return slice(0, 0)


def _shape(data: bytes) -> tuple[str, str, str]:
    """Return how `struct` reads the file: the order, a directory's length, and an entry."""
    order = "<" if data[:2] == b"II" else ">"
    return (order, "Q", "HHQ8s") if BIG in data[2:4] else (order, "H", "HHI4s")


def _without_planes(data: bytes, place: int) -> bytes:
    """Mark a single channel as not planar; Pillow misreads it otherwise."""
    at = _span(data, place, PLANAR).start
    return data[:at] + struct.pack(_shape(data)[0] + "H", 1) + data[at + 2 :] if at else data


def _with_wide_palette(data: bytes, place: int) -> bytes:
    """Widen a palette whose levels have 8 bits, as some programs write; the standard has 16."""
    span = _span(data, place, PALETTE_LEVELS)
    content = data[span]
    form = f"{_shape(data)[0]}{len(content) // 2}H"
    levels = struct.unpack(form, content[: struct.calcsize(form)])
    if not levels or max(levels) > 255:
        return data
    wide = struct.pack(form, *(257 * each for each in levels))
    return data[: span.start] + wide + data[span.start + len(wide) :]


def _starting_at(data: bytes, place: int) -> bytes:
    """Make a file begin with another of its directories."""
    order = "<" if data[:2] == b"II" else ">"
    at, form = (8, "Q") if BIG in data[2:4] else (4, "I")
    if struct.unpack_from(order + form, data, at)[0] == place:
        return data
    return data[:at] + struct.pack(order + form, place) + data[at + struct.calcsize(form) :]
