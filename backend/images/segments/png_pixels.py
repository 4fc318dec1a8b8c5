"""The compressed pixels of a lean PNG: whether they are all there, and their checksum."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from backend.images.segments.png import HEADER, Piece, chunk

ADLER_BYTES = 4
"""Bytes of a checksum."""
PIECE_BYTES = 256 * 2**10
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
PASSES = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
)  # fmt: skip
"""Adam7: the column and row of each pass's first pixel, and those from pixel to pixel."""
ONE_PASS = (0, 0, 1, 1)


def has_all_pixels(data: bytes) -> bool:
    """Return whether the pixels of a lean file unpack to every row."""
    unpacked = _unpacked(data)
    return unpacked is not None and unpacked.missing <= 0


def with_right_checksum(data: bytes) -> bytes | None:
    """Correct the checksum of a lean file's pixels; None if there are too few or too many.

    Programs that copy pixels between files have been seen to write a wrong one.
    """
    unpacked = _unpacked(data)
    if unpacked is None or unpacked.missing or not unpacked.is_ended:
        return None
    pixels = (unpacked.packed, unpacked.checksum.to_bytes(ADLER_BYTES))
    start = data.index(b"IDAT") - 4
    return b"".join((data[:start], *chunk(b"IDAT", pixels), *chunk(b"IEND", ())))


@dataclass(frozen=True, kw_only=True)
class _Unpacked:
    """The result of unpacking all pixels, which are not kept."""

    packed: memoryview
    """The compressed pixels without their checksum."""
    checksum: int
    missing: int
    """Bytes that the rows lack; negative if there are too many."""
    is_ended: bool


def _unpacked(data: bytes) -> _Unpacked | None:
    """Unpack a lean file's pixels; None if they are damaged."""
    start = data.index(b"IDAT") - 4
    (length,) = struct.unpack_from(">I", data, start)
    packed = memoryview(data)[start + 8 : start + 8 + length]
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    checksum, missing = zlib.adler32(b""), _unpacked_length(*HEADER.unpack_from(data, 16))
    rest: Piece = packed[2:]
    try:
        while missing >= 0 and not unpacker.eof:
            piece = unpacker.decompress(rest, PIECE_BYTES)
            rest = unpacker.unconsumed_tail
            missing -= len(piece)
            checksum = zlib.adler32(piece, checksum)
            if not piece and not rest:
                break
    except zlib.error:
        return None
    end = length - len(unpacker.unused_data)
    return _Unpacked(packed=packed[:end], checksum=checksum, missing=missing, is_ended=unpacker.eof)


def _unpacked_length(
    width: int, height: int, bits: int, kind: int, _packing: int, _filter: int, interlace: int
) -> int:
    """Return how many bytes the rows of a picture have, each with its filter's number."""
    bits *= CHANNELS.get(kind, 1)
    total = 0
    for left, top, across, down in PASSES if interlace else [ONE_PASS]:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        total += rows * (1 + (columns * bits + 7) // 8) if columns > 0 and rows > 0 else 0
    return total
