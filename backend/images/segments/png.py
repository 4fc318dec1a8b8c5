"""PNG (W3C PNG, third edition): chunks up to IEND."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from backend.errors import ImageError
from backend.images.colour import (
    MAX_PROFILE_BYTES,
    SRGB,
    Colour,
    colour_from_points,
    colour_from_profile,
    colour_from_still_codes,
)
from backend.images.rights import Rights, line
from backend.images.segments.exif import UPRIGHT, read_exif, reasonable_dpi
from backend.images.segments.lean_file import LeanFile
from backend.images.segments.limits import (
    MAX_EXIF_BYTES,
    Count,
    not_read,
)

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER = struct.Struct(">IIBBBBB")
MAX_PIXEL_CHUNKS = 65_536
"""Encoders write 8 KiB or more in each chunk; 32 MiB in pieces of 512 bytes are so many."""
MAX_OTHER_CHUNKS = 4096
FULL_RANGE = b"\0\1"
"""The end of a `cICP` for full-range RGB, the only supported one."""
SINGLE = frozenset((b"iCCP", b"cICP", b"sRGB", b"gAMA", b"cHRM", b"eXIf", b"pHYs", b"acTL"))
"""Chunks that a file may have once; the first one that is possible counts."""
LENGTHS, NO_GAMMA = {b"cICP": 4, b"gAMA": 4, b"cHRM": 32, b"pHYs": 9}, (b"gAMA", bytes(4))
KEPT = (b"PLTE", b"tRNS")
"""Chunks that the colours of the pixels need; they stand before the pixels."""
GRAY, COLOURS, PALETTE, GRAY_WITH_ALPHA, COLOURS_WITH_ALPHA = 0, 2, 3, 4, 6
INTENTS = (b"\0", b"\1", b"\2", b"\3")
"""The contents that an `sRGB` may have."""
METRES = 1
"""The unit of `pHYs` that is an absolute length."""
XMP_KEY = b"XML:com.adobe.xmp"
COPYRIGHT_KEY, AUTHOR_KEY = b"Copyright", b"Author"
APPLE = b"CgBI"
NUMBER_BYTES = 4
"""Bytes of the number that a frame's chunks begin with."""
Piece = bytes | memoryview


@dataclass
class _Found:
    """The facts seen so far."""

    kept: list[Piece] = field(default_factory=lambda: [SIGNATURE])
    pixels: list[Piece] = field(default_factory=list)
    size: tuple[int, int] | None = None
    bits: int = 8
    kind: int = COLOURS
    colors: int = 0
    """The number of colours in the palette."""
    clear_level: int | None = None
    clear_colour: tuple[int, int, int] | None = None
    exif: bytes = b""
    dpi: int | None = None
    xmp: bytes = b""
    rights: Rights = field(default_factory=Rights)
    """Those of texts."""
    profile: Colour | None = None
    coded: Colour | None = None
    is_srgb: bool = False
    gamma: float | None = None
    points: list[tuple[float, float]] | None = None
    frames: int | None = None
    is_first_frame_separate: bool = False
    """True if the main picture is not a frame of the animation, and is not shown where it runs."""
    controls: list[bytes] = field(default_factory=list)
    frame_pixels: list[Piece] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)
    """The kinds of `SINGLE` seen so far."""

    def take(self, kind: bytes, content: bytes) -> None:
        """Take one chunk other than IHDR, IDAT and IEND."""
        if kind in self.seen or not _is_possible(kind, content):
            return
        self.seen.update(SINGLE & {kind})
        if kind == b"eXIf":
            self.exif = content[:MAX_EXIF_BYTES]
        elif kind == b"pHYs" and content[8] == METRES:
            self.dpi = reasonable_dpi(int.from_bytes(content[:4]) * 0.0254)
        elif kind in (b"tEXt", b"iTXt"):
            self._take_text(kind, content)
        elif kind == b"fcTL" and self.pixels:
            self.controls.append(content)
        elif kind == b"fdAT" and len(self.controls) == 1 and self.is_first_frame_separate:
            self.frame_pixels.append(content[NUMBER_BYTES:])
        elif not self.pixels:
            self._take_before_pixels(kind, content)

    def fits(self, kind: bytes, length: int) -> bool:
        """Return whether palette and transparency are as complete as this kind of picture needs."""
        if kind == b"PLTE":
            may_be_there = self.kind in (COLOURS, PALETTE, COLOURS_WITH_ALPHA)
            return may_be_there and 0 < length // 3 <= 256
        if self.kind == PALETTE:
            return 0 < length <= self.colors
        return length >= {GRAY: 2, COLOURS: 6}.get(self.kind, length + 1)

    @property
    def first_pixels(self) -> list[Piece]:
        """Those of the frame that viewers show first, if it fills the canvas."""
        whole = struct.pack(">IIII", *(self.size or (0, 0)), 0, 0)
        control = self.controls[0] if self.frame_pixels else b""
        return self.frame_pixels if control[NUMBER_BYTES:20] == whole else self.pixels

    @property
    def is_wide_colour(self) -> bool:
        """True for 16 bits a channel, of which Pillow compares the upper half alone."""
        return self.kind == COLOURS and self.bits == 16

    def colour(self) -> Colour | None:
        """Return what the chunks say, in their order of precedence."""
        if self.coded or self.profile:
            return self.coded or self.profile
        if self.is_srgb:
            return SRGB
        return None if self.gamma is None else colour_from_points(self.gamma, self.points)

    def _take_before_pixels(self, kind: bytes, content: bytes) -> None:
        if kind in KEPT:
            if self.fits(kind, len(content)):
                self._take_kept(kind, content)
        elif kind == b"iCCP":
            self.profile = colour_from_profile(_profile(content))
        elif kind == b"cICP" and content[2:] == FULL_RANGE and not self.colors:
            # One that comes after the palette does not count.
            self.coded = colour_from_still_codes(content[0], content[1])
        elif kind == b"sRGB":
            self.is_srgb = True
        elif kind == b"gAMA":
            self.gamma = int.from_bytes(content) / 100_000
        elif kind == b"cHRM":
            numbers = [each / 100_000 for each in struct.unpack(">8I", content)]
            self.points = list(zip(numbers[0::2], numbers[1::2], strict=True))
        elif kind == b"acTL" and len(content) >= 8:
            number = int.from_bytes(content[:4])
            self.frames = number if 0 < number <= 2**31 else None
            self.is_first_frame_separate = True
        elif kind == b"fcTL":
            self.is_first_frame_separate = False

    def _take_kept(self, kind: bytes, content: bytes) -> None:
        if kind == b"PLTE":
            self.colors = len(content) // 3
        elif self.kind == GRAY:
            self.clear_level = int.from_bytes(content[:2]) & (1 << self.bits) - 1
        elif self.is_wide_colour:
            self.clear_colour = struct.unpack(">HHH", content[:6])

    def _take_text(self, kind: bytes, content: bytes) -> None:
        """Look for rights; compressed texts are skipped, because they may expand without limit."""
        key, _, text = content[:MAX_EXIF_BYTES].partition(b"\0")
        if kind == b"iTXt":
            if text[:1] != b"\0":
                return
            text = text[2:].partition(b"\0")[2].partition(b"\0")[2]
        encoding = "utf-8" if kind == b"iTXt" else "latin-1"
        if key == XMP_KEY and kind == b"iTXt":
            self.xmp = self.xmp or text
        elif key in (COPYRIGHT_KEY, AUTHOR_KEY):
            told = line(text.decode(encoding, "replace"))
            right = Rights(copyright=told) if key == COPYRIGHT_KEY else Rights(creator=told)
            self.rights = self.rights.or_else(right)


def _is_possible(kind: bytes, content: bytes) -> bool:
    """Return whether a chunk can mean anything; otherwise a later one of its kind counts."""
    if kind == b"sRGB":
        return content in INTENTS
    return len(content) == LENGTHS.get(kind, len(content)) and (kind, content) != NO_GAMMA


def lean_png(data: bytes) -> LeanFile:
    """Keep header, palette, transparency and the pixels in one chunk; leave out the rest.

    A truncated file is passed on as far as it goes, for the decoder to judge.
    """
    found = _Found()
    _walk(data, found)
    if found.kind == PALETTE and not found.colors:
        raise ImageError
    if found.pixels:
        found.kept += chunk(b"IDAT", found.first_pixels)
        found.kept += chunk(b"IEND", ())
    frames = (found.frames or 1) + (found.frames is not None and found.is_first_frame_separate)
    exif = read_exif(found.exif)
    return LeanFile(
        data=b"".join(found.kept),
        size=found.size,
        orientation=exif.orientation or UPRIGHT,
        colour=found.colour() or exif.colour or SRGB,
        facts=exif.beside(dpi=found.dpi, xmp=found.xmp, rights=found.rights),
        frames=frames,
        bits=found.bits,
        is_gray=found.kind in (GRAY, GRAY_WITH_ALPHA) or None,
        clear_level=found.clear_level,
        clear_colour=found.clear_colour,
    )


def _walk(data: bytes, found: _Found) -> None:
    view = memoryview(data)
    pixel_chunks = Count("parts", limit=MAX_PIXEL_CHUNKS)
    other_chunks = Count("pieces of metadata", limit=MAX_OTHER_CHUNKS)
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if not kind.isalpha():
            if not found.pixels:
                raise ImageError
            break
        content, whole = view[at + 8 : at + 8 + length], view[at : at + 12 + length]
        at += 12 + length
        if kind == b"IDAT":
            if found.size is None:
                raise ImageError
            pixel_chunks.add()
            found.pixels.append(content)
            continue
        other_chunks.add()
        if found.size is None:
            if kind == APPLE:
                raise not_read("PNG files in the form that only Apple's programs read (CgBI) are")
            if kind != b"IHDR" or len(content) < HEADER.size:
                raise ImageError
            width, height, found.bits, found.kind, *_ = HEADER.unpack_from(content)
            found.size = width, height
            found.kept.append(whole)
        elif kind == b"IEND":
            break
        else:
            # A palette counts whatever its checksum was.
            if kind != b"PLTE" and not _has_right_checksum(whole):
                continue
            is_read_here = kind == b"tRNS" and found.is_wide_colour
            is_kept = kind in KEPT and not found.pixels and not is_read_here
            if is_kept and found.fits(kind, len(content)):
                found.kept += chunk(kind, [content])
            found.take(kind, bytes(content))


def chunk(kind: bytes, contents: Sequence[Piece]) -> list[Piece]:
    """Return the pieces of one chunk; the contents themselves are not copied."""
    checksum = zlib.crc32(kind)
    for content in contents:
        checksum = zlib.crc32(content, checksum)
    length = sum(map(len, contents))
    return [struct.pack(">I4s", length, kind), *contents, struct.pack(">I", checksum)]


def _has_right_checksum(chunk: memoryview) -> bool:
    return zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:])


def _profile(content: bytes) -> bytes | None:
    """Unpack a name, a zero, the method 0, and the profile; None if it is damaged or huge."""
    name, _, rest = content.partition(b"\0")
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(rest[1:], MAX_PROFILE_BYTES + 1)
    except zlib.error:
        return None
    is_whole = name and rest[:1] == b"\0" and unpacker.eof
    return profile if is_whole and 0 < len(profile) <= MAX_PROFILE_BYTES else None
