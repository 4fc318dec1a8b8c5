"""BMP: a header that says what follows; run-length coded pixels are unpacked."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from backend.images.segments.lean_file import LeanFile, damaged

FILE_HEADER_BYTES = 14
CORE_HEADER_BYTES = 12
"""OS/2's first header: sides of 16 bits, and no compression."""
HEADER_BYTES = (40, 52, 56, 64, 108, 124)
UNPACKED, RLE8, RLE4 = 0, 1, 2
RUN_LENGTH = {RLE8: 8, RLE4: 4}
"""Bits of a pixel that each kind of runs is for."""
COLOR_BYTES = 4
MAX_COLORS = 256
PLAIN_HEADER_BYTES = 40
GRAYS = b"".join(bytes((level, level, level, 0)) for level in range(MAX_COLORS))
"""A picture with this palette is a grey one, whose pixels are their levels."""
BLACK_AND_WHITE = b"\0\0\0\0\xff\xff\xff\0"
BLACK_OR_WHITE = bytes((0, *[255] * 255))


@dataclass(frozen=True, kw_only=True)
class _Header:
    """Of the kinds with sides of 32 bits."""

    length: int
    pixels_at: int
    width: int
    height: int
    """Negative when the first row is the uppermost one."""
    bits: int
    compression: int
    colors: int


def lean_bmp(data: bytes, *, max_side: int) -> LeanFile:
    """The file itself; one with runs becomes one without, unless it is too large anyway."""
    if len(data) < FILE_HEADER_BYTES + 4:
        raise damaged()
    (length,) = struct.unpack_from("<I", data, FILE_HEADER_BYTES)
    if len(data) < FILE_HEADER_BYTES + length:
        raise damaged()
    if length == CORE_HEADER_BYTES:
        width, height = struct.unpack_from("<HH", data, FILE_HEADER_BYTES + 4)
        return LeanFile(data=data, size=(width, height))
    if length not in HEADER_BYTES:
        raise damaged()
    header = _header(data, length)
    size = header.width, abs(header.height)
    is_coded = header.compression in RUN_LENGTH and min(size) > 0 and max(size) <= max_side
    return LeanFile(data=_without_runs(data, header) if is_coded else data, size=size)


def _header(data: bytes, length: int) -> _Header:
    (pixels_at,) = struct.unpack_from("<I", data, 10)
    width, height, _, bits, compression = struct.unpack_from("<IiHHI", data, FILE_HEADER_BYTES + 4)
    (colors,) = struct.unpack_from("<I", data, FILE_HEADER_BYTES + 32)
    return _Header(
        length=length,
        pixels_at=pixels_at,
        width=width,
        height=height,
        bits=bits,
        compression=compression,
        colors=colors or 2**bits,
    )


def _without_runs(data: bytes, header: _Header) -> bytes:
    """A file of 8 bits a pixel."""
    from backend.images.segments.bmp_runs import unpacked  # noqa: PLC0415 - NumPy, for few files only

    bits = RUN_LENGTH[header.compression]
    if header.bits != bits or header.colors > MAX_COLORS:
        raise damaged()
    palette_at = FILE_HEADER_BYTES + header.length
    palette = data[palette_at : palette_at + COLOR_BYTES * header.colors]
    runs_at = header.pixels_at
    if runs_at == palette_at:  # some writers forget the palette in this number
        runs_at += COLOR_BYTES * header.colors
    width, height = header.width, abs(header.height)
    pixels = unpacked(data, runs_at, size=(width, height), bits=bits)
    if header.colors <= len(BLACK_AND_WHITE) // COLOR_BYTES:
        if _is_same(palette, BLACK_AND_WHITE[: COLOR_BYTES * header.colors]):
            pixels, palette = pixels.translate(BLACK_OR_WHITE), GRAYS
    elif _is_same(palette, GRAYS[: COLOR_BYTES * header.colors]):
        palette = GRAYS
    palette = palette.ljust(COLOR_BYTES * MAX_COLORS, b"\0")
    filled = bytes(-width % 4)
    rows = b"".join(pixels[row * width : (row + 1) * width] + filled for row in range(height))
    pixels_at = FILE_HEADER_BYTES + PLAIN_HEADER_BYTES + len(palette)
    return b"".join(
        (
            struct.pack("<2sIHHI", b"BM", pixels_at + len(rows), 0, 0, pixels_at),
            struct.pack("<IIiHH", PLAIN_HEADER_BYTES, width, header.height, 1, 8),
            struct.pack("<IIiiII", UNPACKED, len(rows), 0, 0, MAX_COLORS, 0),
            palette,
            rows,
        )
    )


def _is_same(palette: bytes, other: bytes) -> bool:
    """The fourth byte of a colour means nothing."""
    return len(palette) == len(other) and all(
        palette[channel::COLOR_BYTES] == other[channel::COLOR_BYTES] for channel in range(3)
    )
