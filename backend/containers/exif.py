"""The orientation out of EXIF or XMP, and nothing else of them."""

from __future__ import annotations

import re
import struct

from backend.containers.lean_file import MAX_EXIF_BYTES

EXIF_START = b"Exif\0\0"
ORIENTATION = 0x0112
UPRIGHT = 1
_INTEGERS = {3: "H", 4: "I", 8: "h", 9: "i"}
"""TIFF's types for whole numbers, as `struct` writes them."""
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')


def orientation_from_exif(exif: bytes) -> int | None:
    """1-8 from the first directory of a TIFF structure; None when it does not say."""
    tiff = exif.removeprefix(EXIF_START)[:MAX_EXIF_BYTES]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return None
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    if start + 2 > len(tiff):
        return None
    (count,) = struct.unpack_from(order + "H", tiff, start)
    entries = tiff[start + 2 : start + 2 + 12 * count]
    whole = entries[: len(entries) // 12 * 12]
    found = None
    for tag, kind, values, value in struct.iter_unpack(order + "HHI4s", whole):
        if tag == ORIENTATION and values == 1 and kind in _INTEGERS:
            found = struct.unpack_from(order + _INTEGERS[kind], value)[0]
    return found if found in range(1, 9) else None


def orientation_from_xmp(xmp: bytes) -> int | None:
    """1-8; None when the packet does not say."""
    found = _XMP_ORIENTATION.search(xmp[:MAX_EXIF_BYTES])
    return int(found[1]) if found else None


def orientation(*, exif: bytes, xmp: bytes = b"") -> int:
    """EXIF's where it has one, else XMP's, else upright."""
    return orientation_from_exif(exif) or orientation_from_xmp(xmp) or UPRIGHT
