"""PNG (W3C PNG, third edition): chunks up to IEND."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from backend.errors import ImageError
from backend.images.colour import (
    MAX_PROFILE_BYTES,
    SRGB,
    Colour,
    colour_from_points,
    colour_from_profile,
    colour_from_still_codes,
)
from backend.images.formats import PNG
from backend.images.rights import Rights, line
from backend.images.segments.exif import UPRIGHT, read_exif, reasonable_dpi
from backend.images.segments.lean_file import Box, LeanFile
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
LENGTHS = {b"cICP": 4, b"gAMA": 4, b"cHRM": 32, b"pHYs": 9}
KEPT = (b"PLTE", b"tRNS")
"""Chunks that the colours of the pixels need; they stand before the pixels."""
GRAY, COLOURS, PALETTE, GRAY_WITH_ALPHA, COLOURS_WITH_ALPHA = 0, 2, 3, 4, 6
INTENTS = (b"\0", b"\1", b"\2", b"\3")
"""The contents that an `sRGB` may have."""
METRES = 1
"""The unit of `pHYs` that is an absolute length."""
XMP_KEY = b"XML:com.adobe.xmp"
COPYRIGHT_KEY, AUTHOR_KEY = b"Copyright", b"Author"
ENCODINGS = {b"tEXt": "latin-1", b"iTXt": "utf-8"}
"""The chunks with texts."""
APPLE = b"CgBI"
NUMBER_BYTES = 4
"""Bytes of the number that a frame's chunks begin with."""
CONTROL_BYTES = 26
"""The length of `fcTL`."""
Piece = bytes | memoryview
Chunk = tuple[bytes, memoryview]
"""Kind and content."""


class _Header(NamedTuple):
    """The used part of `IHDR`."""

    width: int
    height: int
    bits: int
    kind: int

    @property
    def is_wide_colour(self) -> bool:
        """True for 16 bits a channel, of which Pillow compares the upper half alone."""
        return self.kind == COLOURS and self.bits == 16

    def fits(self, kind: bytes, length: int, *, colors: int) -> bool:
        """Return whether palette and transparency are as complete as this kind of picture needs."""
        if kind == b"PLTE":
            may_be_there = self.kind in (COLOURS, PALETTE, COLOURS_WITH_ALPHA)
            return may_be_there and 0 < length // 3 <= 256
        if self.kind == PALETTE:
            return 0 < length <= colors
        return length >= {GRAY: 2, COLOURS: 6}.get(self.kind, length + 1)


class _Parts(NamedTuple):
    """The chunks of a file, by their place."""

    kept: list[Chunk]
    """Palette and transparency, each as complete as the kind of picture needs."""
    before: list[Chunk]
    """All others before the pixels."""
    pixels: list[Piece]
    behind: list[Chunk]


def lean_png(data: bytes) -> LeanFile:
    """Keep header, palette, transparency and the pixels in one chunk; leave out the rest.

    A truncated file is passed on as far as it goes, for the decoder to judge.
    """
    header, end = _header(data)
    parts = _parts(header, _chunks(data, end))
    needed = dict(parts.kept)
    if header.kind == PALETTE and b"PLTE" not in needed:
        raise ImageError
    frames, first = _animation(header, parts)
    lean: list[Piece] = [data[:end]]
    if first is not None:
        lean = [SIGNATURE, *chunk(b"IHDR", [struct.pack(">II", *first.size), data[24:29]])]
    for kind, content in parts.kept:
        if kind == b"PLTE" or not header.is_wide_colour:
            lean += chunk(kind, [content])
    if parts.pixels:
        pixels = parts.pixels if first is None else first.pixels
        lean += (*chunk(b"IDAT", pixels), *chunk(b"IEND", ()))
    clear = needed.get(b"tRNS", b"")
    clear_level = clear_colour = None
    if clear and header.kind == GRAY:
        clear_level = int.from_bytes(clear[:2]) & (1 << header.bits) - 1
    elif clear and header.is_wide_colour:
        clear_colour = struct.unpack(">HHH", clear[:6])
    anywhere = [*parts.before, *parts.behind]
    told = _first_of_each(anywhere)
    exif = read_exif(bytes(told.get(b"eXIf", b"")[:MAX_EXIF_BYTES]))
    density = told.get(b"pHYs", bytes(9))
    inch = 0.0254 if density[8] == METRES else 0.0
    dpi = reasonable_dpi(*(inch * int.from_bytes(each) for each in (density[:4], density[4:8])))
    xmp, rights = _texts(anywhere)
    return LeanFile(
        data=b"".join(lean),
        file_format=PNG,
        size=(header.width, header.height),
        orientation=exif.orientation or UPRIGHT,
        colour=_colour(_first_of_each(parts.before)) or exif.colour or SRGB,
        facts=exif.beside(dpi=dpi, xmp=xmp, rights=rights),
        first_frame=None if first is None else first.box,
        frames=frames,
        bits=header.bits,
        is_gray=header.kind in (GRAY, GRAY_WITH_ALPHA) or None,
        clear_level=clear_level,
        clear_colour=clear_colour,
    )


def _header(data: bytes) -> tuple[_Header, int]:
    """Read the first chunk, and return where it ends."""
    at = len(SIGNATURE)
    length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
    if kind == APPLE:
        raise not_read("PNG files in the form that only Apple's programs read (CgBI) are")
    if kind != b"IHDR" or len(data[at + 8 : at + 8 + length]) < HEADER.size:
        raise ImageError
    return _Header(*HEADER.unpack_from(data, at + 8)[:4]), at + 12 + length


def _chunks(data: bytes, at: int) -> Iterator[Chunk]:
    """Walk the chunks behind the header that can mean anything, up to IEND."""
    view = memoryview(data)
    pixel_chunks = Count("parts", limit=MAX_PIXEL_CHUNKS)
    other_chunks = Count("pieces of metadata", limit=MAX_OTHER_CHUNKS)
    has_pixels = False
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if not kind.isalpha():
            if not has_pixels:
                raise ImageError
            return
        content, whole = view[at + 8 : at + 8 + length], view[at : at + 12 + length]
        at += 12 + length
        if kind == b"IDAT":
            has_pixels = True
            pixel_chunks.add()
            yield kind, content
            continue
        other_chunks.add()
        if kind == b"IEND":
            return
        is_right = zlib.crc32(whole[4:-4]) == int.from_bytes(whole[-4:])
        # A palette counts whatever its checksum was.
        if kind == b"PLTE" or (is_right and _is_possible(kind, content)):
            yield kind, content


def _parts(header: _Header, chunks: Iterable[Chunk]) -> _Parts:
    parts, colors = _Parts([], [], [], []), 0
    for kind, content in chunks:
        if kind == b"IDAT":
            parts.pixels.append(content)
        elif parts.pixels:
            parts.behind.append((kind, content))
        elif kind not in KEPT:
            if kind != b"cICP" or not colors:  # one that comes after the palette does not count
                parts.before.append((kind, content))
        elif header.fits(kind, len(content), colors=colors):
            parts.kept.append((kind, content))
            colors = len(content) // 3 if kind == b"PLTE" else colors
    return parts


def _is_possible(kind: bytes, content: memoryview) -> bool:
    """Return whether a chunk can mean anything; otherwise a later one of its kind counts."""
    if kind == b"sRGB":
        return content in INTENTS
    if kind == b"gAMA" and not any(content):
        return False
    return len(content) == LENGTHS.get(kind, len(content))


def _first_of_each(chunks: Sequence[Chunk]) -> dict[bytes, memoryview]:
    """Return the contents that count where a file may have one chunk of a kind."""
    return dict(reversed(chunks))


def _colour(before: Mapping[bytes, memoryview]) -> Colour | None:
    """Return what the chunks before the pixels say, in their order of precedence."""
    code = before.get(b"cICP", b"")
    coded = colour_from_still_codes(code[0], code[1]) if code[2:] == FULL_RANGE else None
    found = coded or colour_from_profile(_profile(bytes(before.get(b"iCCP", b""))))
    if found or b"sRGB" in before:
        return found or SRGB
    if b"gAMA" not in before:
        return None
    points = None
    if b"cHRM" in before:
        numbers = [each / 100_000 for each in struct.unpack(">8I", before[b"cHRM"])]
        points = list(zip(numbers[0::2], numbers[1::2], strict=True))
    return colour_from_points(int.from_bytes(before[b"gAMA"]) / 100_000, points)


class _Frame(NamedTuple):
    """A frame that viewers show in place of the picture."""

    box: Box
    size: tuple[int, int]
    pixels: list[Piece]


def _animation(header: _Header, parts: _Parts) -> tuple[int, _Frame | None]:
    """Return the number of frames, and the first where it is not the picture itself.

    One without pixels, or beyond the canvas, is not shown.
    """
    control = _first_of_each(parts.before).get(b"acTL", b"")
    if len(control) < 8:
        return 1, None
    kinds = [kind for kind, _ in parts.before]
    is_separate = b"fcTL" not in kinds[kinds.index(b"acTL") :]
    number = int.from_bytes(control[:4])
    frames = number + is_separate if 0 < number <= 2**31 else 1
    rest = iter(parts.behind if is_separate else ())
    frame = next((content for kind, content in rest if kind == b"fcTL"), b"")
    frame_parts = takewhile(lambda each: each[0] != b"fcTL", rest)
    pixels: list[Piece] = [
        content[NUMBER_BYTES:] for kind, content in frame_parts if kind == b"fdAT"
    ]
    if len(frame) < CONTROL_BYTES or not pixels:
        return frames, None
    width, height, left, top = struct.unpack_from(">IIII", frame, NUMBER_BYTES)
    right, bottom = left + width, top + height
    if not (width and height) or right > header.width or bottom > header.height:
        return frames, None
    return frames, _Frame((left, top, right, bottom), (width, height), pixels)


def _texts(chunks: Iterable[Chunk]) -> tuple[bytes, Rights]:
    """Return XMP, and rights; compressed texts are skipped: they may expand without limit."""
    xmp, rights = b"", Rights()
    for kind, content in chunks:
        if kind not in ENCODINGS:
            continue
        key, _, text = bytes(content[:MAX_EXIF_BYTES]).partition(b"\0")
        if kind == b"iTXt":
            if text[:1] != b"\0":
                continue
            text = text[2:].partition(b"\0")[2].partition(b"\0")[2]
        if key == XMP_KEY and kind == b"iTXt":
            xmp = xmp or text
        elif key in (COPYRIGHT_KEY, AUTHOR_KEY):
            told = line(text.decode(ENCODINGS[kind], "replace"))
            right = Rights(copyright=told) if key == COPYRIGHT_KEY else Rights(creator=told)
            rights = rights.or_else(right)
    return xmp, rights


def chunk(kind: bytes, contents: Sequence[Piece]) -> list[Piece]:
    """Return the pieces of one chunk; the contents themselves are not copied."""
    checksum = zlib.crc32(kind)
    for content in contents:
        checksum = zlib.crc32(content, checksum)
    length = sum(map(len, contents))
    return [struct.pack(">I4s", length, kind), *contents, struct.pack(">I", checksum)]


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
