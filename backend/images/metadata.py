"""Metadata that a result keeps of its source: resolution, date, and rights.

It is written into a finished file, whose pixels are not encoded again. Place, camera, serial
numbers and prompts are never among it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from PIL import ExifTags, Image

from backend.images.formats import AVIF, JPEG, PNG, WEBP, WRITABLE
from backend.images.rights import Rights
from backend.images.segments.exif import EXIF_START, SECOND_CHARACTERS, Dpi, Facts, date
from backend.images.segments.jpeg import XMP_START
from backend.images.segments.png import XMP_KEY, chunk
from backend.options import KEPT

INCHES = 2
OFFSET_CHARACTERS = len("+02:00")
DPI, DATE, COPYRIGHT = KEPT
"""The last entry is rights, author and keywords."""
PNG_HEADER_BYTES = 33
"""A PNG's signature and its first chunk."""
HAS_XMP, HAS_EXIF, HAS_ALPHA = 0x04, 0x08, 0x10
"""Flags of WebP's header chunk."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The facts that go into a result."""

    taken: str | None = None
    """The moment, as in `Facts`."""
    dpi: Dpi | None = None
    rights: Rights = field(default_factory=Rights)

    @classmethod
    def of(cls, facts: Facts, names: Collection[str] = KEPT) -> Kept:
        """Choose from a picture's facts."""
        return cls(
            taken=facts.taken if DATE in names else None,
            dpi=facts.dpi if DPI in names else None,
            rights=facts.rights if COPYRIGHT in names else Rights(),
        )

    def __bool__(self) -> bool:
        return self.taken is not None or self.dpi is not None or bool(self.rights)

    def to_exif(self) -> bytes:
        """Write a TIFF structure."""
        exif = Image.Exif()
        base = ExifTags.Base
        if self.dpi is not None:
            exif[base.XResolution], exif[base.YResolution] = self.dpi
            exif[base.ResolutionUnit] = INCHES
        # Readers take these texts for UTF-8, whatever the standard says.
        if self.rights.creator:
            exif[base.Artist] = self.rights.creator.encode()
        if self.rights.copyright:
            exif[base.Copyright] = self.rights.copyright.encode()
        if self.taken is not None and date(self.taken):
            exif[ExifTags.IFD.Exif] = _moment_tags(self.taken)
        return exif.tobytes().removeprefix(EXIF_START)


def _moment_tags(taken: str) -> dict[int, str]:
    """Return EXIF's tags for a moment, which has its fraction and offset apart."""
    base, rest = ExifTags.Base, taken[SECOND_CHARACTERS:]
    offset = rest[-OFFSET_CHARACTERS:] if ":" in rest else ""
    parts = {
        base.DateTimeOriginal: taken[:SECOND_CHARACTERS],
        base.SubsecTimeOriginal: rest.removesuffix(offset)[1:],
        base.OffsetTimeOriginal: offset,
    }
    return {tag: part for tag, part in parts.items() if part}


def embed(data: bytes, kept: Kept, *, format: str, size: tuple[int, int]) -> bytes:
    """Add the kept metadata, and nothing else, to a finished file of (width, height).

    An AVIF is returned unchanged: `writer_options` has already added it.
    """
    write = _WRITERS.get(format)
    return write(data, kept, size) if kept and write else data


def writer_options(kept: Kept, *, format: str) -> dict[str, object]:
    """Return Pillow's options for a format that cannot be changed after it was written."""
    if format != AVIF.name or not kept:
        return {}
    return {"exif": EXIF_START + kept.to_exif(), "xmp": kept.rights.to_xmp()}


def _jpeg(data: bytes, kept: Kept, _size: tuple[int, int]) -> bytes:
    segments = _segment(EXIF_START + kept.to_exif())
    if kept.rights:
        segments += _segment(XMP_START + kept.rights.to_xmp())
    at = 2
    head = bytearray(data[:at])
    if data[2:4] == b"\xff\xe0" and data[6:11] == b"JFIF\0":
        at += 2 + int.from_bytes(data[4:6])
        head = bytearray(data[:at])
        if kept.dpi is not None:
            head[13:18] = b"\1" + b"".join(each.to_bytes(2) for each in kept.dpi)
    return bytes(head) + segments + data[at:]


def _segment(content: bytes) -> bytes:
    return b"\xff\xe1" + (2 + len(content)).to_bytes(2) + content


def _png(data: bytes, kept: Kept, _size: tuple[int, int]) -> bytes:
    chunks = []
    if kept.dpi is not None:
        pixels_a_metre = [round(each / 0.0254).to_bytes(4) for each in kept.dpi]
        chunks += chunk(b"pHYs", [*pixels_a_metre, b"\1"])
    chunks += chunk(b"eXIf", [kept.to_exif()])
    if kept.rights:
        chunks += chunk(b"iTXt", [XMP_KEY + bytes(5) + kept.rights.to_xmp()])
    return b"".join((data[:PNG_HEADER_BYTES], *chunks, data[PNG_HEADER_BYTES:]))


def _webp(data: bytes, kept: Kept, size: tuple[int, int]) -> bytes:
    chunks = data[12:]
    added = HAS_EXIF | (HAS_XMP if kept.rights else 0)
    if chunks[:4] == b"VP8X":
        chunks = chunks[:8] + bytes([chunks[8] | added]) + chunks[9:]
    else:
        has_alpha = chunks[:4] == b"VP8L" and bool(chunks[12] & 0x10)
        flags = added | (HAS_ALPHA if has_alpha else 0)
        sides = b"".join((side - 1).to_bytes(3, "little") for side in size)
        chunks = _riff(b"VP8X", bytes([flags, 0, 0, 0]) + sides) + chunks
    chunks += _riff(b"EXIF", kept.to_exif())
    if kept.rights:
        chunks += _riff(b"XMP ", kept.rights.to_xmp())
    return _riff(b"RIFF", b"WEBP" + chunks)


def _riff(kind: bytes, content: bytes) -> bytes:
    return kind + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)


_WRITERS: Mapping[str, Callable[[bytes, Kept, tuple[int, int]], bytes]] = {
    JPEG.name: _jpeg,
    PNG.name: _png,
    WEBP.name: _webp,
}
assert {*_WRITERS, AVIF.name} == {each.name for each in WRITABLE}, "a format without a writer"
