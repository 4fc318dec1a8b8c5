"""Date and resolution, written into a finished file: its pixels are not encoded again."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PIL import Image

from backend.images.segments.exif import DATE_TAKEN, EXIF_DIRECTORY, EXIF_START, RESOLUTION, date
from backend.images.segments.exif import RESOLUTION_UNIT as UNIT

INCHES = 2
HEADER_BYTES = 33
"""Of a PNG: its signature and its first chunk."""
HAS_EXIF, HAS_ALPHA = 0x08, 0x10
"""Flags of WebP's header chunk."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What a visitor may keep of the original; the place is never among it."""

    taken: str | None = None
    """As EXIF writes it."""
    dpi: int | None = None

    def __bool__(self) -> bool:
        return self.taken is not None or self.dpi is not None


def embed(data: bytes, kept: Kept, *, format: str, size: tuple[int, int]) -> bytes:
    """The PNG, JPEG or WebP of (width, height) with what is kept, and nothing else, added."""
    return _WRITERS[format](data, kept, size)


def _exif(kept: Kept) -> bytes:
    """A TIFF structure."""
    exif = Image.Exif()
    if kept.dpi is not None:
        exif[RESOLUTION], exif[RESOLUTION + 1], exif[UNIT] = kept.dpi, kept.dpi, INCHES
    if kept.taken is not None and date(kept.taken):
        exif[EXIF_DIRECTORY] = {DATE_TAKEN: kept.taken}
    return exif.tobytes().removeprefix(EXIF_START)


def _jpeg(data: bytes, kept: Kept, size: tuple[int, int]) -> bytes:  # noqa: ARG001
    content = EXIF_START + _exif(kept)
    segment = b"\xff\xe1" + (2 + len(content)).to_bytes(2) + content
    at = 2
    head = bytearray(data[:at])
    if data[2:4] == b"\xff\xe0" and data[6:11] == b"JFIF\0":
        at += 2 + int.from_bytes(data[4:6])
        head = bytearray(data[:at])
        if kept.dpi is not None:
            head[13:18] = b"\1" + 2 * kept.dpi.to_bytes(2)
    return bytes(head) + segment + data[at:]


def _png(data: bytes, kept: Kept, size: tuple[int, int]) -> bytes:  # noqa: ARG001
    chunks = b""
    if kept.dpi is not None:
        pixels_a_metre = round(kept.dpi / 0.0254).to_bytes(4)
        chunks = _chunk(b"pHYs", 2 * pixels_a_metre + b"\1")
    chunks += _chunk(b"eXIf", _exif(kept))
    return data[:HEADER_BYTES] + chunks + data[HEADER_BYTES:]


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content).to_bytes(4)
    return len(content).to_bytes(4) + kind + content + checksum


def _webp(data: bytes, kept: Kept, size: tuple[int, int]) -> bytes:
    chunks = data[12:]
    if chunks[:4] == b"VP8X":
        chunks = chunks[:8] + bytes([chunks[8] | HAS_EXIF]) + chunks[9:]
    else:
        has_alpha = chunks[:4] == b"VP8L" and bool(chunks[12] & 0x10)
        flags = HAS_EXIF | (HAS_ALPHA if has_alpha else 0)
        sides = b"".join((side - 1).to_bytes(3, "little") for side in size)
        chunks = _riff(b"VP8X", bytes([flags, 0, 0, 0]) + sides) + chunks
    return _riff(b"RIFF", b"WEBP" + chunks + _riff(b"EXIF", _exif(kept)))


def _riff(kind: bytes, content: bytes) -> bytes:
    return kind + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)


_WRITERS: Mapping[str, Callable[[bytes, Kept, tuple[int, int]], bytes]] = {
    "jpeg": _jpeg,
    "png": _png,
    "webp": _webp,
}
