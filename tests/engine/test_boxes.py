"""The boxes of AVIF and HEIC files that say which pixels are shown, and what their colours are."""

from __future__ import annotations

import struct

import pytest
from PIL import Image

from backend.images.colour import SRGB, colour_from_codes
from backend.images.picture import decode
from backend.images.segments.boxes import primary_item
from tests.pictures import save

SIZE = (64, 48)
P3, PQ = (12, 13), (9, 16)


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def aperture(left: int, top: int, width: int, height: int) -> bytes:
    """Return the box that shows this part of a picture of `SIZE`."""
    right, down = (2 * left + width - SIZE[0], 2), (2 * top + height - SIZE[1], 2)
    return box(b"clap", struct.pack(">IIIIiIiI", width, 1, height, 1, *right, *down))


def with_property(data: bytes, added: bytes) -> bytes:
    """Give the only item of an AVIF one more property."""
    changed = bytearray(data)
    start, end = data.index(b"ipco") + 4, data.index(b"ipma") - 4
    count = 0
    while start < end:
        start += int.from_bytes(data[start : start + 4])
        count += 1
    number = data.index(b"ipma") + 14
    last = number + 1 + data[number]
    changed[number] += 1
    changed[last:last] = bytes([0x80 | count + 1])
    changed[end:end] = added
    longer = {b"ipma": 1, b"ipco": len(added), b"iprp": 1 + len(added), b"meta": 1 + len(added)}
    places = {bytes(changed).index(kind) - 4: by for kind, by in longer.items()}
    places[data.index(b"iloc") + 18] = 1 + len(added)  # where the pixels begin
    for place, by in places.items():
        value = int.from_bytes(changed[place : place + 4]) + by
        changed[place : place + 4] = value.to_bytes(4)
    return bytes(changed)


@pytest.fixture(scope="module")
def avif() -> bytes:
    image = Image.linear_gradient("L").resize(SIZE).convert("RGB")
    image.paste((200, 30, 40), (0, 0, 20, 20))
    return save(image, "AVIF", quality=95)


def test_the_part_that_is_shown_is_read(avif: bytes) -> None:
    whole = decode(avif, max_side=99)
    part = decode(with_property(avif, aperture(0, 0, 40, 30)), max_side=99)
    assert part.size == (40, 30)
    assert (part.rgb == whole.rgb[:30, :40]).all()


@pytest.mark.parametrize(
    "part",
    [
        aperture(8, 8, 40, 30),
        aperture(0, 0, 65, 30),
        box(b"clap", struct.pack(">IIIIiIiI", 40, 0, 30, 1, -24, 2, -18, 2)),
        box(b"clap", struct.pack(">IIIIiIiI", 81, 2, 30, 1, -47, 4, -18, 2)),
    ],
)
def test_a_part_that_browsers_ignore_is_ignored(avif: bytes, part: bytes) -> None:
    assert decode(with_property(avif, part), max_side=99).size == SIZE


def tiled(*, colours_of: dict[int, tuple[int, int]]) -> bytes:
    """Return the boxes of a picture (1) of two tiles (2, 3), beside a map (4) for HDR screens."""
    coding = box(b"av1C", b"\x81\0\x0c\0")
    colours = [
        box(b"colr", b"nclx" + struct.pack(">HHHB", *each, 6, 128)) for each in colours_of.values()
    ]
    entries = {2: [1], 3: [1], 4: [1]}
    for number, item in enumerate(colours_of):
        entries[item] = [*entries.get(item, []), 2 + number]
    associations = b"".join(
        struct.pack(">HB", item, len(indices)) + bytes(indices) for item, indices in entries.items()
    )
    ipma = struct.pack(">II", 0, len(entries)) + associations
    properties = box(b"ipco", coding + b"".join(colours)) + box(b"ipma", ipma)
    tiles = box(b"dimg", struct.pack(">HHHH", 1, 2, 2, 3))
    parts = (
        box(b"pitm", bytes(4) + b"\0\1")
        + box(b"iref", bytes(4) + box(b"dimg", struct.pack(">HHH", 5, 1, 4)) + tiles)
        + box(b"iprp", properties)
    )
    return box(b"meta", bytes(4) + parts)


def test_the_colours_of_tiles_are_those_of_the_picture() -> None:
    assert primary_item(tiled(colours_of={2: P3, 4: PQ})).colour == colour_from_codes(*P3)
    assert primary_item(tiled(colours_of={1: P3, 2: PQ})).colour == colour_from_codes(*P3)


def test_the_colours_of_other_items_are_not_those_of_the_picture() -> None:
    item = primary_item(tiled(colours_of={4: PQ}))
    assert item.colour == SRGB
    assert item.is_chroma_halved
