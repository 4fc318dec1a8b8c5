"""ISO base media files (AVIF, HEIC): the properties of the primary item.

The decoders read the pixels; this module reads what they do not report: the colours in `colr`,
rotation, coding, and whether there is an HDR gain map.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from backend.images.colour import SRGB, Colour, colour_from_codes, colour_from_profile
from backend.images.segments import av1, hevc
from backend.images.segments.bits import Codes
from backend.images.segments.limits import Count

MAX_BOXES = 4096
IDENTITY = 0
"""MatrixCoefficients of H.273: the planes are red, green and blue, so nothing was rounded."""
AV1, HEVC = b"av1C", b"hvcC"
AV1_CONFIGURATION_BYTES = 4
CODINGS = (AV1, HEVC)
GAIN_MAP_ITEM = b"tmap"
GAIN_MAP_PICTURE = b"urn:com:apple:photo:2020:aux:hdrgainmap"


@dataclass(frozen=True, kw_only=True)
class Item:
    """The primary item, as far as its properties tell."""

    colour: Colour = SRGB
    is_lossless: bool = False
    is_turned: bool = False
    """The container turns the picture, so its EXIF orientation must be ignored."""
    bits: int = 8
    is_chroma_halved: bool = False
    has_gain_map: bool = False


def primary_item(data: bytes) -> Item:
    """Read the properties; ImageError when there are more boxes than any program writes."""
    count = Count("boxes", limit=MAX_BOXES)
    meta = _first(data, b"meta", count)
    if meta is None:
        return Item()
    parts = dict(_boxes(meta[4:], count))
    properties = _properties(parts, _primary_id(parts.get(b"pitm", b"")), count)
    has_gain_map = GAIN_MAP_ITEM in parts.get(b"iinf", b"") or GAIN_MAP_PICTURE in parts.get(
        b"iprp", b""
    )
    item = _item(properties, _stream_codes(data, parts.get(b"iloc", b""), properties, count))
    return replace(item, has_gain_map=has_gain_map)


def _boxes(data: bytes | memoryview, count: Count) -> Iterator[tuple[bytes, bytes]]:
    """Walk (kind, content) of adjacent boxes; one that leads out of `data` is cut."""
    data, at = memoryview(data), 0
    while at + 8 <= len(data):
        count.add()
        length, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if length == 1 and at + 16 <= len(data):
            (length,) = struct.unpack_from(">Q", data, at + 8)
            start = at + 16
        end = len(data) if length == 0 else at + length
        if end < start:
            return
        # Only small boxes are copied; that of the pixels is skipped.
        is_read = kind in (b"meta", *_READ)
        yield kind, bytes(data[start:end]) if is_read else b""
        at = end


_READ = (b"pitm", b"iloc", b"iinf", b"iprp", b"ipco", b"ipma", b"colr", b"irot", b"imir", b"pixi",
         b"av1C", b"hvcC")  # fmt: skip


def _first(data: bytes, kind: bytes, count: Count) -> bytes | None:
    return next((content for found, content in _boxes(data, count) if found == kind), None)


def _primary_id(pitm: bytes) -> int | None:
    if len(pitm) < 6:
        return None
    return int.from_bytes(pitm[4:6] if pitm[0] == 0 else pitm[4:8])


def _properties(
    parts: dict[bytes, bytes], item: int | None, count: Count
) -> list[tuple[bytes, bytes]]:
    """Return the (kind, content) of each property that belongs to the item."""
    found: list[tuple[bytes, bytes]] = []
    associations = b""
    for kind, content in _boxes(parts.get(b"iprp", b""), count):
        if kind == b"ipco":
            found = list(_boxes(content, count))
        elif kind == b"ipma":
            associations = content
    wanted = _associated(associations, item, count)
    own = [found[index - 1] for index in wanted if 0 < index <= len(found)]
    # A tiled picture has its coding, and often its colours, on its tiles.
    has_coding = any(kind in CODINGS for kind, _ in own)
    return own if has_coding else [each for each in found if each[0] in (*CODINGS, b"colr")] + own


def _associated(ipma: bytes, item: int | None, count: Count) -> list[int]:
    """Read the numbers of the item's properties, counted from one."""
    if len(ipma) < 8:
        return []
    id_bytes = 2 if ipma[0] == 0 else 4
    index_bytes = 2 if ipma[3] & 1 else 1
    (entries,) = struct.unpack_from(">I", ipma, 4)
    at = 8
    for _ in range(min(entries, MAX_BOXES)):
        count.add()
        if at + id_bytes >= len(ipma):
            break
        found, number = int.from_bytes(ipma[at : at + id_bytes]), ipma[at + id_bytes]
        at += id_bytes + 1
        end = at + number * index_bytes
        if found == item:
            mask = 0x7FFF if index_bytes == 2 else 0x7F
            pieces = (ipma[each : each + index_bytes] for each in range(at, end, index_bytes))
            return [int.from_bytes(piece) & mask for piece in pieces]
        at = end
    return []


def _stream_codes(
    data: bytes, iloc: bytes, properties: list[tuple[bytes, bytes]], count: Count
) -> Codes | None:
    """Read the colours that the stream itself states."""
    coding, configuration = next((each for each in properties if each[0] in CODINGS), (b"", b""))
    if coding == HEVC:
        return hevc.stream_codes(configuration)
    if coding != AV1:
        return None
    streams = [configuration[AV1_CONFIGURATION_BYTES:]]
    streams += [data[start : start + av1.HEADER_BYTES] for start in _places(iloc, count)]
    return next(filter(None, map(av1.stream_codes, streams)), None)


def _places(iloc: bytes, count: Count) -> Iterator[int]:
    """Walk the offsets in the file of each item's first bytes."""
    if len(iloc) < 8:
        return
    version, sizes = iloc[0], [iloc[4] >> 4, iloc[4] & 15, iloc[5] >> 4, iloc[5] & 15]
    offset_bytes, length_bytes, base_bytes, index_bytes = sizes
    index_bytes = index_bytes if version else 0
    number_bytes = 4 if version == 2 else 2
    at = 6

    def take(number: int) -> int:
        nonlocal at
        at += number
        return int.from_bytes(iloc[at - number : at])

    for _ in range(min(take(number_bytes), MAX_BOXES)):
        count.add()
        take(number_bytes)
        method = take(2) & 15 if version else 0
        take(2)
        base, extents = take(base_bytes), take(2)
        take(index_bytes)
        offset = take(offset_bytes)
        at += length_bytes + (extents - 1) * (index_bytes + offset_bytes + length_bytes)
        if at > len(iloc):
            return
        if method == 0 and extents:
            yield base + offset


def _item(properties: list[tuple[bytes, bytes]], stated: Codes | None) -> Item:
    """Make the item; `stated` are the codes of its stream."""
    codes = profile = None
    item = Item()
    for kind, content in properties:
        if kind == b"colr" and content[:4] == b"nclx" and len(content) >= 10:
            codes = struct.unpack_from(">HHH", content, 4)
        elif kind == b"colr" and content[:4] in (b"prof", b"rICC"):
            profile = colour_from_profile(content[4:])
        elif kind in (b"irot", b"imir"):
            item = replace(item, is_turned=True)
        elif kind == b"pixi" and len(content) >= 6:
            item = replace(item, bits=content[5])
        elif kind == b"av1C" and len(content) >= 3:
            bits = 12 if content[2] & 0x20 else 10 if content[2] & 0x40 else 8
            item = replace(item, bits=bits, is_chroma_halved=content[2] & 0x1C == 0x0C)
        elif kind == b"hvcC" and len(content) >= 18:
            bits = (content[17] & 7) + 8
            item = replace(item, bits=bits, is_chroma_halved=content[16] & 3 == 1)
    codes = codes or stated
    if codes is None:
        return replace(item, colour=profile or SRGB)
    colour = profile or colour_from_codes(codes[0], codes[1])
    return replace(item, colour=colour, is_lossless=codes[2] == IDENTITY)
