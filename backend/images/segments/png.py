"""PNG (W3C PNG, third edition): chunks up to IEND."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

from backend.images.segments.exif import orientation, reasonable_dpi
from backend.images.segments.lean_file import (
    MAX_EXIF_BYTES,
    MAX_PROFILE_BYTES,
    Count,
    LeanFile,
    damaged,
)

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PIXEL_CHUNKS = 65_536
"""Encoders write 8 KiB or more in each; 32 MiB in pieces of 512 bytes are so many."""
MAX_OTHER_CHUNKS = 4096
MAX_TEXT_BYTES = 2**20
"""What one compressed text may unpack to."""
MAX_ALL_TEXT_BYTES = 4 * 2**20
KEPT = (b"PLTE", b"tRNS")
"""What the colours of the pixels need; they stand before the pixels."""
METRES = 1
"""The unit of `pHYs` in which a number of pixels means something."""
XMP_KEY = b"XML:com.adobe.xmp"
EXIF_KEY = b"Raw profile type exif"
"""Where EXIF was put before PNG had a chunk for it: hexadecimal digits after three lines."""
PIECE_BYTES = 64 * 2**10


@dataclass
class _Found:
    """What was seen so far."""

    kept: list[bytes] = field(default_factory=lambda: [SIGNATURE])
    pixels: list[bytes] = field(default_factory=list)
    size: tuple[int, int] | None = None
    exif: bytes = b""
    dpi: int | None = None
    raw_exif: bytes = b""
    xmp: bytes = b""
    icc_profile: bytes | None = None
    frames: int | None = None
    is_first_frame_separate: bool = False
    """The picture itself is none of the animation's frames."""
    text_bytes: int = 0

    def take(self, kind: bytes, content: bytes, whole: bytes) -> None:
        """One chunk other than IDAT and IEND."""
        if kind in KEPT and not self.pixels:
            self.kept.append(whole)
        elif kind == b"iCCP" and not self.pixels:
            self.icc_profile = _profile(content)
        elif kind == b"eXIf":
            self.exif = content[:MAX_EXIF_BYTES]
        elif kind == b"pHYs" and len(content) == 9 and content[8] == METRES:
            self.dpi = reasonable_dpi(int.from_bytes(content[:4]) * 0.0254)
        elif kind == b"acTL" and len(content) >= 8 and not self.pixels:
            number = int.from_bytes(content[:4])
            self.frames = number if 0 < number <= 2**31 else None
            self.is_first_frame_separate = True
        elif kind == b"fcTL" and not self.pixels:
            self.is_first_frame_separate = False
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            self.take_text(kind, content)

    def take_text(self, kind: bytes, content: bytes) -> None:
        """Looks for an orientation; ImageError for a text that unpacks to far more than it has."""
        key, _, rest = content.partition(b"\0")
        text = rest
        is_packed = kind == b"zTXt"
        if kind == b"iTXt":
            is_packed = rest[:1] == b"\1"
            text = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
        elif is_packed:
            text = rest[1:]
        if is_packed:
            text = _unpacked(text, max_bytes=MAX_TEXT_BYTES)
            self.text_bytes += len(text)
            if self.text_bytes > MAX_ALL_TEXT_BYTES:
                raise damaged()
        if kind == b"iTXt" and key == XMP_KEY:
            self.xmp = text
        elif kind != b"iTXt" and key == EXIF_KEY:
            self.raw_exif = text


def lean_png(data: bytes) -> LeanFile:
    """Header, palette, transparency and the pixels in one chunk; the rest is left out.

    A file that breaks off is passed on as far as it goes: its size may be wrong as well, and the
    decoder is asked for the rest.
    """
    found = _Found()
    pixel_chunks = Count("parts", limit=MAX_PIXEL_CHUNKS)
    other_chunks = Count("pieces of metadata", limit=MAX_OTHER_CHUNKS)
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if not kind.isalpha():
            if not found.pixels:
                raise damaged()
            break
        content = data[at + 8 : at + 8 + length]
        whole = data[at : at + 12 + length]
        at += 12 + length
        if kind == b"IDAT":
            if found.size is None:
                raise damaged()
            pixel_chunks.add()
            found.pixels.append(content)
            continue
        other_chunks.add()
        if found.size is None:
            if kind != b"IHDR" or len(content) < 13:
                raise damaged()
            found.size = struct.unpack_from(">II", content)
            found.kept.append(whole)
        elif kind == b"IEND":
            break
        else:
            found.take(kind, content, whole)
    if found.pixels:
        found.kept.append(_chunk(b"IDAT", b"".join(found.pixels)))
        found.kept.append(_chunk(b"IEND", b""))
    frames = (found.frames or 1) + (found.frames is not None and found.is_first_frame_separate)
    exif = found.exif or _from_hex(found.raw_exif)
    return LeanFile(
        data=b"".join(found.kept),
        size=found.size,
        orientation=orientation(exif=exif, xmp=found.xmp),
        icc_profile=found.icc_profile,
        exif=exif,
        dpi=found.dpi,
        frames=frames,
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return b"".join((struct.pack(">I4s", len(content), kind), content, struct.pack(">I", checksum)))


def _profile(content: bytes) -> bytes | None:
    """A name, a zero, the method 0, and the profile, packed."""
    _, _, rest = content.partition(b"\0")
    if rest[:1] != b"\0":
        raise damaged()
    return _unpacked(rest[1:], max_bytes=MAX_PROFILE_BYTES) or None


def _unpacked(packed: bytes, *, max_bytes: int) -> bytes:
    """Empty for what is not zlib's; ImageError when there is more than that."""
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(packed, max_bytes + 1)
    except zlib.error:
        return b""
    if len(content) > max_bytes:
        raise damaged()
    return content


def _from_hex(profile: bytes) -> bytes:
    """EXIF out of a text: an empty line, a name, a length, and then digits in lines."""
    digits = b"".join(profile[: 3 * MAX_EXIF_BYTES].split(b"\n")[3:])
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return b""
