"""ISO base media files (AVIF, HEIC): the properties of the primary item.

The decoders read the pixels; this module reads what they do not report: the colours in `colr`,
rotation, coding, and whether there is an HDR gain map.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
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
READ = (
    *(b"meta", b"pitm", b"iloc", b"iinf", b"iref", b"dimg", b"iprp", b"ipco", b"ipma"),
    *(b"colr", b"irot", b"imir", b"clap", b"pixi", AV1, HEVC),
)
"""The boxes whose content is read."""
GAIN_MAP_ITEM = b"tmap"
GAIN_MAP_PICTURE = b"urn:com:apple:photo:2020:aux:hdrgainmap"
Property = tuple[bytes, bytes]
"""Kind and content."""


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
    meta = _Meta(data)
    tiles = meta.tiles(meta.primary)
    properties = meta.properties(meta.primary)
    # A tiled picture has its coding, and often its colours, on its tiles.
    if tiles and not any(kind in CODINGS for kind, _ in properties):
        shared = (*CODINGS, b"colr")
        properties = [each for each in meta.properties(tiles[0]) if each[0] in shared] + properties
    starts = meta.places({meta.primary, *tiles})
    codes = _stream_codes((data[at : at + av1.HEADER_BYTES] for at in starts), properties)
    colour, is_lossless = _colour(properties, codes)
    stored: dict[str, Any] = {}
    for each in properties:
        stored |= _stored(*each)
    last = dict(properties)
    return Item(
        colour=colour,
        is_lossless=is_lossless,
        is_turned=b"irot" in last or b"imir" in last,
        has_gain_map=meta.has_gain_map,
        aperture=last.get(b"clap", b""),
        **stored,
    )


class _Meta:
    """The box that describes the items of a file."""

    def __init__(self, data: bytes) -> None:
        self._count = Count("boxes", limit=MAX_BOXES)
        meta = next((content for kind, content in self._boxes(data) if kind == b"meta"), b"")
        self._parts = dict(self._boxes(meta[4:]))
        properties = dict(self._boxes(self._part(b"iprp")))
        self._associations = properties.get(b"ipma", b"")
        self._found = list(self._boxes(properties.get(b"ipco", b"")))
        """The (kind, content) of the properties of all items."""

    @property
    def primary(self) -> int | None:
        """The number of the item that is shown; None if the file names none."""
        pitm = self._part(b"pitm")
        if len(pitm) < 6:
            return None
        return int.from_bytes(pitm[4:6] if pitm[0] == 0 else pitm[4:8])

    @property
    def has_gain_map(self) -> bool:
        is_item = GAIN_MAP_ITEM in self._part(b"iinf")
        return is_item or GAIN_MAP_PICTURE in self._part(b"iprp")

    def tiles(self, item: int | None) -> list[int]:
        """Return the numbers of the items that the item is put together from."""
        iref = self._part(b"iref")
        id_bytes = 2 if iref[:1] == b"\0" else 4
        for kind, content in self._boxes(iref[4:]):
            numbers = content[id_bytes + 2 :]
            if kind == b"dimg" and int.from_bytes(content[:id_bytes]) == item:
                places = range(0, len(numbers), id_bytes)
                return [int.from_bytes(numbers[each : each + id_bytes]) for each in places]
        return []

    def properties(self, item: int | None) -> list[Property]:
        """Return the properties that belong to the item."""
        indices = self._associated(item)
        return [self._found[index - 1] for index in indices if 0 < index <= len(self._found)]

    def _associated(self, item: int | None) -> list[int]:
        """Read the numbers of the item's properties, counted from one."""
        ipma = self._associations
        if len(ipma) < 8:
            return []
        id_bytes = 2 if ipma[0] == 0 else 4
        index_bytes = 2 if ipma[3] & 1 else 1
        mask = 0x7FFF if index_bytes == 2 else 0x7F
        numbers = _Numbers(ipma, at=4)
        for _ in range(min(numbers.take(4), MAX_BOXES)):
            self._count.add()
            found = numbers.take(id_bytes)
            if numbers.at >= len(ipma):
                break
            indices = numbers.take(1)
            if found == item:
                return [numbers.take(index_bytes) & mask for _ in range(indices)]
            numbers.at += indices * index_bytes
        return []

    def places(self, wanted: Container[int | None]) -> Iterator[int]:
        """Walk the offsets in the file of these items' first bytes."""
        iloc = self._part(b"iloc")
        if len(iloc) < 8:
            return
        version, sizes = iloc[0], [iloc[4] >> 4, iloc[4] & 15, iloc[5] >> 4, iloc[5] & 15]
        offset_bytes, length_bytes, base_bytes, index_bytes = sizes
        index_bytes = index_bytes if version else 0
        number_bytes = 4 if version == 2 else 2
        numbers = _Numbers(iloc, at=6)
        for _ in range(min(numbers.take(number_bytes), MAX_BOXES)):
            self._count.add()
            number = numbers.take(number_bytes)
            method = numbers.take(2) & 15 if version else 0
            numbers.take(2)
            base, extents = numbers.take(base_bytes), numbers.take(2)
            numbers.take(index_bytes)
            offset = numbers.take(offset_bytes)
            numbers.at += length_bytes
            numbers.at += (extents - 1) * (index_bytes + offset_bytes + length_bytes)
            if numbers.at > len(iloc):
                return
            if method == 0 and extents and number in wanted:
                yield base + offset

    def _part(self, kind: bytes) -> bytes:
        return self._parts.get(kind, b"")

    def _boxes(self, data: bytes) -> Iterator[Property]:
        """Walk adjacent boxes; one that leads out of `data` is cut."""
        view, at = memoryview(data), 0
        while at + 8 <= len(view):
            self._count.add()
            length, kind = struct.unpack_from(">I4s", view, at)
            start = at + 8
            if length == 1 and at + 16 <= len(view):
                (length,) = struct.unpack_from(">Q", view, at + 8)
                start = at + 16
            end = len(view) if length == 0 else at + length
            if end < start:
                return
            # Only small boxes are copied; that of the pixels is skipped.
            yield kind, bytes(view[start:end]) if kind in READ else b""
            at = end


def _stream_codes(streams: Iterator[bytes], properties: list[Property]) -> Codes | None:
    """Read the colours that the stream itself states."""
    coding, configuration = next((each for each in properties if each[0] in CODINGS), (b"", b""))
    if coding == HEVC:
        return hevc.stream_codes(configuration)
    if coding != AV1:
        return None
    headers = chain([configuration[AV1_CONFIGURATION_BYTES:]], streams)
    return next(filter(None, map(av1.stream_codes, headers)), None)


def _colour(properties: list[Property], codes: Codes | None) -> tuple[Colour, bool]:
    """Return the colours, and whether none was rounded; the stream's `codes` count least."""
    profile = None
    for kind, content in properties:
        if kind != b"colr":
            continue
        if content[:4] == b"nclx" and len(content) >= 10:
            codes = struct.unpack_from(">HHH", content, 4)
        elif content[:4] in (b"prof", b"rICC"):
            profile = colour_from_profile(content[4:])
    coded = SRGB if codes is None else colour_from_codes(codes[0], codes[1])
    return profile or coded, codes is not None and codes[2] == IDENTITY


def _stored(kind: bytes, content: bytes) -> dict[str, Any]:
    """Return what a property says of the pixels as they are stored, by the names of `Item`."""
    if kind == b"pixi" and len(content) >= 6:
        return {"bits": content[5]}
    if kind == AV1 and len(content) >= 3:
        bits = 12 if content[2] & 0x20 else 10 if content[2] & 0x40 else 8
        return {"bits": bits, "is_chroma_halved": content[2] & 0x1C == 0x0C}
    if kind == HEVC and len(content) >= 18:
        return {"bits": (content[17] & 7) + 8, "is_chroma_halved": content[16] & 3 == 1}
    return {}
