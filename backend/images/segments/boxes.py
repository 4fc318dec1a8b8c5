"""ISO base media files (AVIF, HEIC): the properties of the primary item.

The decoders read the pixels; this module reads what they do not report: the colours in `colr`,
rotation, coding, and whether there is an HDR gain map.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from backend.images.colour import SRGB, Colour, colour_from_codes, colour_from_profile
from backend.images.segments import av1, hevc
from backend.images.segments.bits import Codes
from backend.images.segments.lean_file import Box
from backend.images.segments.limits import Count

MAX_BOXES = 4096
IDENTITY = 0
"""MatrixCoefficients of H.273: the planes are red, green and blue, so nothing was rounded."""
AV1, HEVC = b"av1C", b"hvcC"
AV1_CONFIGURATION_BYTES = 4
CODINGS = (AV1, HEVC)
APERTURE = struct.Struct(">IIIIiIiI")
"""Width, height, and the middle's place beside that of the picture, as fractions."""
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
    aperture: bytes = b""
    """The box that says which part is shown."""

    def shown(self, size: tuple[int, int]) -> Box | None:
        """Return the part of a picture of this size that is shown, if it begins in the corner.

        Chromium ignores all others.
        """
        if len(self.aperture) < APERTURE.size:
            return None
        numbers = APERTURE.unpack_from(self.aperture)
        if 0 in numbers[1::2]:
            return None
        pairs = zip(numbers[0::2], numbers[1::2], strict=True)
        width, height, right, down = (Fraction(*pair) for pair in pairs)
        is_inside = 0 < width <= size[0] and 0 < height <= size[1]
        starts = (right + (size[0] - width) / 2, down + (size[1] - height) / 2)
        if not is_inside or any(starts) or width % 1 or height % 1:
            return None
        return 0, 0, int(width), int(height)


@dataclass
class _Numbers:
    """Numbers read one after the other; one that leads out of `data` is cut."""

    data: bytes
    at: int

    def take(self, size: int) -> int:
        """Return the number in the next `size` bytes."""
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at])


def primary_item(data: bytes) -> Item:
    """Read the properties; ImageError when there are more boxes than any program writes."""
    count = Count("boxes", limit=MAX_BOXES)
    meta = _first(data, b"meta", count)
    if meta is None:
        return Item()
    parts = dict(_boxes(meta[4:], count))
    primary = _primary_id(parts.get(b"pitm", b""))
    tiles = _tiles(parts.get(b"iref", b""), primary, count)
    properties = _properties(parts, primary, tiles, count)
    has_gain_map = GAIN_MAP_ITEM in parts.get(b"iinf", b"") or GAIN_MAP_PICTURE in parts.get(
        b"iprp", b""
    )
    places = _places(parts.get(b"iloc", b""), {primary, *tiles}, count)
    stated = _stream_codes(data, places, properties)
    return _item(properties, stated, has_gain_map=has_gain_map)


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


_READ = (b"pitm", b"iloc", b"iinf", b"iref", b"dimg", b"iprp", b"ipco", b"ipma", b"colr", b"irot",
         b"imir", b"clap", b"pixi", b"av1C", b"hvcC")  # fmt: skip


def _first(data: bytes, kind: bytes, count: Count) -> bytes | None:
    return next((content for found, content in _boxes(data, count) if found == kind), None)


def _primary_id(pitm: bytes) -> int | None:
    if len(pitm) < 6:
        return None
    return int.from_bytes(pitm[4:6] if pitm[0] == 0 else pitm[4:8])


def _tiles(iref: bytes, item: int | None, count: Count) -> list[int]:
    """Read the numbers of the items that the item is put together from."""
    id_bytes = 2 if iref[:1] == b"\0" else 4
    for kind, content in _boxes(iref[4:], count):
        numbers = content[id_bytes + 2 :]
        if kind == b"dimg" and int.from_bytes(content[:id_bytes]) == item:
            places = range(0, len(numbers), id_bytes)
            return [int.from_bytes(numbers[each : each + id_bytes]) for each in places]
    return []


def _properties(
    parts: dict[bytes, bytes], item: int | None, tiles: list[int], count: Count
) -> list[tuple[bytes, bytes]]:
    """Return the (kind, content) of each property that belongs to the item."""
    found: list[tuple[bytes, bytes]] = []
    associations = b""
    for kind, content in _boxes(parts.get(b"iprp", b""), count):
        if kind == b"ipco":
            found = list(_boxes(content, count))
        elif kind == b"ipma":
            associations = content

    def properties_of(wanted: int | None) -> list[tuple[bytes, bytes]]:
        indices = _associated(associations, wanted, count)
        return [found[index - 1] for index in indices if 0 < index <= len(found)]

    own = properties_of(item)
    # A tiled picture has its coding, and often its colours, on its tiles.
    if tiles and not any(kind in CODINGS for kind, _ in own):
        return [each for each in properties_of(tiles[0]) if each[0] in (*CODINGS, b"colr")] + own
    return own


def _associated(ipma: bytes, item: int | None, count: Count) -> list[int]:
    """Read the numbers of the item's properties, counted from one."""
    if len(ipma) < 8:
        return []
    id_bytes = 2 if ipma[0] == 0 else 4
    index_bytes = 2 if ipma[3] & 1 else 1
    mask = 0x7FFF if index_bytes == 2 else 0x7F
    numbers = _Numbers(ipma, at=4)
    for _ in range(min(numbers.take(4), MAX_BOXES)):
        count.add()
        found = numbers.take(id_bytes)
        if numbers.at >= len(ipma):
            break
        indices = numbers.take(1)
        if found == item:
            return [numbers.take(index_bytes) & mask for _ in range(indices)]
        numbers.at += indices * index_bytes
    return []


def _stream_codes(
    data: bytes, places: Iterator[int], properties: list[tuple[bytes, bytes]]
) -> Codes | None:
    """Read the colours that the stream itself states."""
    coding, configuration = next((each for each in properties if each[0] in CODINGS), (b"", b""))
    if coding == HEVC:
        return hevc.stream_codes(configuration)
    if coding != AV1:
        return None
    streams = [configuration[AV1_CONFIGURATION_BYTES:]]
    streams += [data[start : start + av1.HEADER_BYTES] for start in places]
    return next(filter(None, map(av1.stream_codes, streams)), None)


def _places(iloc: bytes, wanted: Container[int | None], count: Count) -> Iterator[int]:
    """Walk the offsets in the file of these items' first bytes."""
    if len(iloc) < 8:
        return
    version, sizes = iloc[0], [iloc[4] >> 4, iloc[4] & 15, iloc[5] >> 4, iloc[5] & 15]
    offset_bytes, length_bytes, base_bytes, index_bytes = sizes
    index_bytes = index_bytes if version else 0
    number_bytes = 4 if version == 2 else 2
    numbers = _Numbers(iloc, at=6)
    for _ in range(min(numbers.take(number_bytes), MAX_BOXES)):
        count.add()
        number = numbers.take(number_bytes)
        method = numbers.take(2) & 15 if version else 0
        numbers.take(2)
        base, extents = numbers.take(base_bytes), numbers.take(2)
        numbers.take(index_bytes)
        offset = numbers.take(offset_bytes)
        numbers.at += length_bytes + (extents - 1) * (index_bytes + offset_bytes + length_bytes)
        if numbers.at > len(iloc):
            return
        if method == 0 and extents and number in wanted:
            yield base + offset


def _item(
    properties: list[tuple[bytes, bytes]], codes: Codes | None, *, has_gain_map: bool
) -> Item:
    """Make the item; the container's own codes replace those of the stream."""
    profile = None
    facts: dict[str, Any] = {"has_gain_map": has_gain_map}
    for kind, content in properties:
        if kind == b"colr" and content[:4] == b"nclx" and len(content) >= 10:
            primaries, transfer, matrix = struct.unpack_from(">HHH", content, 4)
            codes = primaries, transfer, matrix
        elif kind == b"colr" and content[:4] in (b"prof", b"rICC"):
            profile = colour_from_profile(content[4:])
        elif kind in (b"irot", b"imir"):
            facts["is_turned"] = True
        elif kind == b"clap":
            facts["aperture"] = content
        elif kind == b"pixi" and len(content) >= 6:
            facts["bits"] = content[5]
        elif kind == AV1 and len(content) >= 3:
            facts["bits"] = 12 if content[2] & 0x20 else 10 if content[2] & 0x40 else 8
            facts["is_chroma_halved"] = content[2] & 0x1C == 0x0C
        elif kind == HEVC and len(content) >= 18:
            facts["bits"] = (content[17] & 7) + 8
            facts["is_chroma_halved"] = content[16] & 3 == 1
    coded = SRGB if codes is None else colour_from_codes(codes[0], codes[1])
    is_lossless = codes is not None and codes[2] == IDENTITY
    return Item(colour=profile or coded, is_lossless=is_lossless, **facts)
