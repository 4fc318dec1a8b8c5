"""TIFF and BigTIFF: the choice of a file's picture, and the check of its layout."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import TiffImagePlugin

from backend.images.segments.limits import (
    HEADER_ERRORS,
    Count,
    camera_raw,
    damaged,
    not_read,
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
WIDTH, HEIGHT, BITS, PHOTOMETRIC, SAMPLES, PLANAR = 256, 257, 258, 262, 277, 284
ORIENTATION, PROFILE, EXTRA_SAMPLES, SAMPLE_FORMAT, SUBSAMPLING = 274, 34675, 338, 339, 530
COMPRESSION, JPEG_COMPRESSIONS = 259, (6, 7)
READ_COMPRESSIONS = (1, 2, 3, 4, 5, *JPEG_COMPRESSIONS, 8, 32773, 32946, 34925, 50000)
COMPRESSION_NAMES = {
    34712: "JPEG 2000",
    34887: "LERC",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
REDUCED, OLD_REDUCED = 1, 2
CANON = b"CR\x02"
SENSOR_DATA = (32803, 34892)
"""Photometric interpretations of raw sensor data."""
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
UNSIGNED, FLOAT = 1, 3
READ: Mapping[tuple[int, int], tuple[int, ...]] = {
    (WHITE_IS_ZERO, UNSIGNED): (1, 2, 4, 8, 16),
    (WHITE_IS_ZERO, FLOAT): (32,),
    (BLACK_IS_ZERO, UNSIGNED): (1, 2, 4, 8, 12, 16, 32),
    (BLACK_IS_ZERO, FLOAT): (32,),
    (RGB, UNSIGNED): (8, 16),
    (PALETTE, UNSIGNED): (1, 2, 4, 8),
    (CMYK, UNSIGNED): (8, 16),
    (YCBCR, UNSIGNED): (8,),
    (LAB, UNSIGNED): (8,),
}
"""(photometric interpretation, sample format) -> bits of a channel."""
PILLOWS = {
    (prefix, photometric, kinds[0], bits[0])
    for prefix, photometric, kinds, _, bits, _ in TiffImagePlugin.OPEN_INFO
}
"""Pillow's own list, which depends on the byte order."""
NAMES = {
    WHITE_IS_ZERO: "grey", BLACK_IS_ZERO: "grey", RGB: "RGB", PALETTE: "palette", CMYK: "CMYK",
    YCBCR: "YCbCr", LAB: "CIELab", 9: "ICCLab", 10: "ITULab", 4: "mask", 32844: "LogL",
    32845: "LogLuv",
}  # fmt: skip
FORMAT_NAMES = {2: "signed", FLOAT: "floating-point", 5: "complex", 6: "complex"}
CHANNELS = {RGB: 3, CMYK: 4, YCBCR: 3, LAB: 3}
Directory = TiffImagePlugin.ImageFileDirectory_v2


class TiffPicture:
    """The full picture of a file, which is not always the first one."""

    def __init__(self, data: bytes) -> None:
        """Raise ImageError for a damaged file, and UnsupportedMediaTypeError for a layout."""
        if data[:4] == BIG_FROM_THE_BIG_END:
            raise not_read("BigTIFF files with the large byte first are")
        try:
            self._find(data)
        except (*HEADER_ERRORS, Warning) as exc:
            raise damaged() from exc

    def _find(self, data: bytes) -> None:
        directories = list(_directories(data))
        if not directories:
            raise damaged()
        if data[8:11] == CANON or any(_is_raw(each) for _, each, _ in directories):
            raise camera_raw()
        self.first = directories[0][1]
        full = [each for each in directories if not _is_reduced(each[1])]
        place, self.directory, _ = directories[0]
        if _is_reduced(self.first) and full:
            place, self.directory, _ = max(full, key=lambda each: _pixels(each[1]))
        self.frames = max(1, sum(is_page for _, _, is_page in full))
        self.photometric = _number(self.directory, PHOTOMETRIC, 0)
        self.bits = _bits(self.directory)[0]
        _check_layout(self.directory)
        if _number(self.directory, SAMPLES, 1) == 1:
            data = _without_planes(data, place)
        self.data = _starting_at(data, place)

    @property
    def orientation(self) -> int:
        """The orientation, which stands beside the preview alone."""
        if self.directory is self.first or ORIENTATION in self.directory:
            return 1
        return _number(self.first, ORIENTATION, 1)

    @property
    def profile(self) -> bytes | None:
        """The ICC profile, which may stand beside the preview."""
        found = self.directory.get(PROFILE) or self.first.get(PROFILE)
        return found if isinstance(found, bytes) else None


def _directories(data: bytes) -> Iterator[tuple[int, Directory, bool]]:
    """Walk (place, directory, is a page) of the chain and of what lies below its members."""
    is_big = BIG in data[2:4]
    header = data[: 16 if is_big else 8]
    file, at, seen = io.BytesIO(data), Directory(header).next, set[int]()
    pending, tags, room = [(at, True)], Count("tags", limit=MAX_TAGS), [len(data)]
    while pending and len(seen) < MAX_DIRECTORIES:
        at, is_page = pending.pop(0)
        if not at or at in seen:
            continue
        seen.add(at)
        _check_cost(data, at, tags, room)
        file.seek(at)
        directory = Directory(header)
        directory.load(file)
        yield at, directory, is_page
        below = directory.get(SUB_DIRECTORIES, ())
        below = below if isinstance(below, tuple) else (below,)
        pending += [(each, False) for each in below if isinstance(each, int)]
        if is_page:
            pending.append((directory.next, True))


def _check_cost(data: bytes, place: int, tags: Count, room: list[int]) -> None:
    """Refuse directories that are long, or whose values together exceed the file."""
    order, head, entry = _shape(data)
    (count,) = struct.unpack_from(order + head, data, place)
    tags.add(count)
    start = place + struct.calcsize(head)
    whole = data[start : start + struct.calcsize(order + entry) * count]
    whole = whole[: len(whole) - len(whole) % struct.calcsize(order + entry)]
    for _, kind, number, _ in struct.iter_unpack(order + entry, whole):
        room[0] -= VALUE_BYTES.get(kind, 0) * number
        if room[0] < 0:
            raise damaged()


def _shape(data: bytes) -> tuple[str, str, str]:
    """Return how `struct` reads the file: the order, a directory's length, and an entry."""
    order = "<" if data[:2] == b"II" else ">"
    return (order, "Q", "HHQ8s") if BIG in data[2:4] else (order, "H", "HHI4s")


def _number(directory: Directory, tag: int, default: int) -> int:
    value: Any = directory.get(tag, default)
    value = value[0] if isinstance(value, tuple) and value else value
    return value if isinstance(value, int) else default


def _bits(directory: Directory) -> tuple[int, ...]:
    bits: Any = directory.get(BITS, (1,))
    bits = bits if isinstance(bits, tuple) else (bits,)
    return bits if bits and all(isinstance(each, int) for each in bits) else (1,)


def _is_reduced(directory: Directory) -> bool:
    kind = _number(directory, SUBFILE_TYPE, 0)
    return bool(kind & REDUCED) or _number(directory, OLD_SUBFILE_TYPE, 0) == OLD_REDUCED


def _is_raw(directory: Directory) -> bool:
    return DNG_VERSION in directory or _number(directory, PHOTOMETRIC, 0) in SENSOR_DATA


def _pixels(directory: Directory) -> int:
    return _number(directory, WIDTH, 0) * _number(directory, HEIGHT, 0)


def _check_layout(directory: Directory) -> None:
    """Accept layouts that are known to be read correctly; refuse all others by name."""
    photometric = _number(directory, PHOTOMETRIC, 0)
    compression = _number(directory, COMPRESSION, 1)
    if compression not in READ_COMPRESSIONS:
        name = COMPRESSION_NAMES.get(compression, f"method {compression}")
        raise not_read(f"TIFF files compressed by {name} are")
    if compression in JPEG_COMPRESSIONS:
        return
    bits, kind = _bits(directory), _number(directory, SAMPLE_FORMAT, UNSIGNED)
    samples = _number(directory, SAMPLES, 1)
    extra = samples - CHANNELS.get(photometric, 1)
    in_planes = _number(directory, PLANAR, 1) == 2 and samples > 1
    known = READ.get((photometric, kind), ())
    is_known = (
        set(bits) <= set(known)
        and len(set(bits)) == 1
        and (directory.prefix, photometric, kind, bits[0]) in PILLOWS
        and not (in_planes and bits[0] > 8)
        and not (extra and not _is_extra_read(directory, photometric, bits[0]))
        and not (photometric == YCBCR and directory.get(SUBSAMPLING, (2, 2)) != (1, 1))
    )
    if not is_known:
        name = NAMES.get(photometric, "unknown")
        words = [name, f"{bits[0]} bits a channel", FORMAT_NAMES.get(kind, "")]
        words += ["alpha" if extra > 0 else "", "channels in planes" if in_planes else ""]
        words += ["reduced colour" if photometric == YCBCR and bits[0] == 8 else ""]
        raise not_read(f"TIFF files of this layout ({', '.join(filter(None, words))}) are")


def _is_extra_read(directory: Directory, photometric: int, bits: int) -> bool:
    """Return whether Pillow knows what the extra channels mean."""
    extra: Any = directory.get(EXTRA_SAMPLES, ())
    extra = extra if isinstance(extra, tuple) else (extra,)
    if photometric == CMYK:
        return not any(extra)
    return photometric == RGB or (photometric in (BLACK_IS_ZERO, PALETTE) and bits == 8)


def _without_planes(data: bytes, place: int) -> bytes:
    """Mark a single channel as not planar; Pillow misreads it otherwise."""
    order, head, entry = _shape(data)
    step = struct.calcsize(order + entry)
    (count,) = struct.unpack_from(order + head, data, place)
    first = place + struct.calcsize(head)
    for at in range(first, min(first + step * count, len(data) - step), step):
        if struct.unpack_from(order + "H", data, at)[0] == PLANAR:
            value = at + step - int(entry[-2])
            return data[:value] + struct.pack(order + "H", 1) + data[value + 2 :]
    return data


def _starting_at(data: bytes, place: int) -> bytes:
    """Make a file begin with another of its directories."""
    order = "<" if data[:2] == b"II" else ">"
    at, form = (8, "Q") if BIG in data[2:4] else (4, "I")
    if struct.unpack_from(order + form, data, at)[0] == place:
        return data
    return data[:at] + struct.pack(order + form, place) + data[at + struct.calcsize(form) :]
