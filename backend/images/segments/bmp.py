"""BMP: what its header says that Pillow does not read."""

from __future__ import annotations

import struct

from backend.images.colour import MAX_PROFILE_BYTES
from backend.images.segments.limits import not_read

BITS, COMPRESSION = slice(28, 30), slice(30, 34)
FILE_HEADER_BYTES, V5_BYTES = 14, 124
SPACE, PROFILE = slice(70, 74), slice(126, 134)
EMBEDDED = b"DEBM"
"""The mark of a profile inside the file, behind the pixels."""
MASKS, ALPHA_MASK, V3_BYTES = slice(54, 66), slice(66, 70), 56
BIT_FIELDS, WHOLE_FILES = 3, (4, 5)
"""The BMP compressions that have masks, and those that are a JPEG and a PNG."""
READ_MASKS_OF_16 = ((0xF800, 0x07E0, 0x001F), (0x7C00, 0x03E0, 0x001F))
FIRST, SECOND, THIRD, FOURTH = 0xFF, 0xFF00, 0xFF0000, 0xFF000000
READ_MASKS_OF_32 = (
    (0, 0, 0, 0),
    (THIRD, SECOND, FIRST, 0),
    (THIRD, SECOND, FIRST, FOURTH),
    (FOURTH, THIRD, SECOND, 0),
    (FOURTH, THIRD, SECOND, FIRST),
    (FOURTH, SECOND, FIRST, 0),
    (FOURTH, SECOND, FIRST, THIRD),
    (FIRST, SECOND, THIRD, FOURTH),
)
"""The masks of red, green, blue and alpha that Pillow reads."""


def check_bmp(data: bytes) -> None:
    """Refuse by name the kinds that hold another file or channels of another depth."""
    header_bytes = int.from_bytes(data[14:18], "little")
    if header_bytes < 40:
        return
    compression = int.from_bytes(data[COMPRESSION], "little")
    bits = int.from_bytes(data[BITS], "little")
    if compression in WHOLE_FILES:
        raise not_read("BMP files that hold a JPEG or PNG are")
    if bits == 64:
        raise not_read("BMP files of 64 bits a pixel are")
    if compression == BIT_FIELDS and len(data) >= ALPHA_MASK.stop:
        masks = struct.unpack("<III", data[MASKS])
        has_alpha = header_bytes >= V3_BYTES
        alpha = int.from_bytes(data[ALPHA_MASK], "little") if has_alpha else 0
        is_read = {
            16: masks in READ_MASKS_OF_16 and not alpha,
            32: (*masks, alpha) in READ_MASKS_OF_32,
        }
        if not is_read.get(bits, True):
            raise not_read(
                "BMP files whose channels have other than 5, 6 or 8 bits, or an uncommon order, are"
            )


def bmp_profile(data: bytes) -> bytes:
    """Return the profile of a version-5 header; empty without one."""
    is_v5 = int.from_bytes(data[14:18], "little") == V5_BYTES
    is_whole = len(data) >= FILE_HEADER_BYTES + V5_BYTES
    if not is_v5 or not is_whole or data[SPACE] != EMBEDDED:
        return b""
    start, length = struct.unpack("<II", data[PROFILE])
    return data[FILE_HEADER_BYTES + start :][: min(length, MAX_PROFILE_BYTES + 1)]
