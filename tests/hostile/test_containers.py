"""Lean files have the same pixels, and little else."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from backend.errors import ImageError
from backend.images.formats import JPEG, PNG
from backend.images.picture import decode
from backend.images.segments import lean_file
from backend.images.segments.exif import read_exif
from backend.images.segments.jpeg import MAX_SCANS, MAX_SEGMENTS
from backend.images.segments.png import MAX_OTHER_CHUNKS
from benchmarks.hostile_files import (
    chunk,
    jpeg_of_scans,
    jpeg_with,
    png_with,
    segment,
    small_jpeg,
)
from tests.hostile.corpus import (
    GOOD,
    Case,
    gray,
    jpeg,
    scene,
    srgb_profile,
    turned_jpeg,
)
from tests.pictures import save

FORMATS = {b"\xff\xd8": JPEG, b"\x89P": PNG}
UNREAD = ("bomb", "without its end mark")
"""Layouts that Pillow does not read unchanged."""
WALKED = [
    case
    for case in GOOD
    if case.make()[:2] in FORMATS and not any(each in case.name for each in UNREAD)
]


def lean(data: bytes) -> bytes:
    return lean_file(data, file_format=FORMATS[data[:2]]).data


def pixels(data: bytes) -> bytes:
    """Return the stored pixels in RGBA."""
    with Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "BMP"]) as opened:
        return opened.convert("RGBA").tobytes()


def places(data: bytes, marker: bytes) -> list[int]:
    return [found.start() for found in re.finditer(marker, data)]


def in_intervals() -> bytes:
    """Make a JPEG with a restart marker after every row of blocks."""
    return jpeg(restart_marker_rows=1)


def between_scans(number: int) -> bytes:
    """Return the first scans of a progressive JPEG, each complete."""
    whole = jpeg(progressive=True)
    start = places(whole, rb"\xff\xda")[number - 1]
    return whole[: start + 2 + places(whole[start + 2 :], rb"\xff[^\x00]")[0]]


@pytest.mark.parametrize("end", [b"", b"\xff\xd9"], ids=["cut", "ended"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: in_intervals()[: places(in_intervals(), rb"\xff[\xd0-\xd7]")[0]],
        lambda: in_intervals()[: places(in_intervals(), rb"\xff[\xd0-\xd7]")[-1]],
        lambda: jpeg()[:-400],
        lambda: jpeg(gray())[:-200],
    ],
    ids=["first interval", "all intervals but one", "colours", "gray"],
)
def test_a_jpeg_with_missing_rows_is_damaged(make: Callable[[], bytes], end: bytes) -> None:
    with pytest.raises(ImageError):
        decode(make() + end, max_side=4096)


@pytest.mark.parametrize("number", range(1, 10))
def test_a_jpeg_with_missing_scans_is_damaged(number: int) -> None:
    with pytest.raises(ImageError):
        decode(between_scans(number), max_side=4096)


@pytest.mark.parametrize("end", [b"", b"\xff\xd9"], ids=["cut", "ended"])
@pytest.mark.parametrize(
    "make",
    [
        in_intervals,
        lambda: jpeg(progressive=True),
        lambda: jpeg(Image.new("RGB", (50, 40), "white"), subsampling=2),
        lambda: jpeg(Image.new("L", (50, 40), "white"), restart_marker_blocks=1),
        lambda: jpeg(Image.new("CMYK", (17, 9)), progressive=True),
    ],
    ids=["intervals", "progressive", "white", "white in intervals", "CMYK"],
)
def test_a_jpeg_with_every_pixel_is_read(make: Callable[[], bytes], end: bytes) -> None:
    whole = make()
    assert whole.endswith(b"\xff\xd9")
    wanted = decode(whole, max_side=4096).rgb
    assert np.array_equal(decode(whole[:-2] + end, max_side=4096).rgb, wanted)


@pytest.mark.parametrize("case", WALKED, ids=str)
def test_a_lean_file_has_the_same_pixels(case: Case) -> None:
    data = case.make()
    assert pixels(lean(data)) == pixels(data)


@pytest.mark.parametrize("case", WALKED, ids=str)
def test_a_lean_file_cannot_be_made_leaner(case: Case) -> None:
    once = lean(case.make())
    assert lean(once) == once


def test_metadata_is_left_out_and_what_is_used_of_it_is_told() -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    exif[0x8825] = {1: "N", 2: (1.0, 2.0, 3.0)}
    profile = srgb_profile()
    for file_format in (JPEG, PNG):
        kind = file_format.pillow_name
        data = save(scene(), kind, exif=exif.tobytes(), icc_profile=profile, comment=b"hello")
        found = lean_file(data, file_format=file_format)
        assert found.orientation == 8
        assert found.colour.icc_profile == profile
        assert found.size == scene().size
        for left_out in (b"Exif", b"eXIf", b"hello", b"ICC_PROFILE", b"iCCP"):
            assert left_out not in found.data


def test_bytes_after_the_picture_are_left_out() -> None:
    assert lean(jpeg() + b"PK\3\4" + bytes(5000)) == lean(jpeg())
    assert lean(save(scene(), "PNG") + bytes(5000)) == lean(save(scene(), "PNG"))


@pytest.mark.parametrize("orientation_tag", range(1, 9))
def test_every_orientation_is_read(orientation_tag: int) -> None:
    found = lean_file(turned_jpeg(orientation_tag), file_format=JPEG)
    assert found.orientation == orientation_tag


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"Exif\0\0",
        b"MM\0*",
        b"MM\0*\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x63\0\0",
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x05\0\0\0\x01\0\x06\0\0",
        b"XX\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0",
    ],
    ids=repr,
)
def test_exif_that_makes_no_sense_turns_nothing(exif: bytes) -> None:
    assert read_exif(exif).orientation is None


def test_an_orientation_in_xmp_or_in_a_text_turns_nothing() -> None:
    """Browsers do not look there, and editors that write it turn the pixels themselves."""
    packet = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0"
    text = f"\nexif\n{len(exif):8}\n{exif.hex()}\n".encode()
    in_jpeg = jpeg_with(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet))
    in_png = png_with(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet))
    in_text = png_with(chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text)))
    assert lean_file(in_jpeg, file_format=JPEG).orientation == 1
    assert lean_file(in_png, file_format=PNG).orientation == 1
    assert lean_file(in_text, file_format=PNG).orientation == 1


def test_as_many_segments_as_allowed_are_read_and_one_more_is_not() -> None:
    own = small_jpeg().count(b"\xff\xdb") + 10
    allowed = jpeg_with(segment(0xE5, b"") * (MAX_SEGMENTS - own))
    assert pixels(lean(allowed)) == pixels(small_jpeg())
    with pytest.raises(ImageError, match="segments"):
        lean(jpeg_with(segment(0xE5, b"") * MAX_SEGMENTS))


def test_as_many_scans_as_allowed_are_read_and_one_more_is_not() -> None:
    whole = jpeg_of_scans(MAX_SCANS - 1, side=64)
    assert lean(whole) == whole
    with pytest.raises(ImageError, match="scans"):
        lean(jpeg_of_scans(MAX_SCANS, side=64))


def test_metadata_between_scans_is_left_out_and_counted() -> None:
    plain = jpeg_of_scans(1, side=64)
    end = plain.rindex(b"\xff\xda")
    noisy = plain[:end] + segment(0xFE, b"x" * 50) * 20 + plain[end:]
    assert lean(noisy) == plain
    flood = plain[:end] + segment(0xFE, b"") * MAX_SEGMENTS + plain[end:]
    with pytest.raises(ImageError, match="segments"):
        lean(flood)


def test_as_many_chunks_as_allowed_are_read_and_one_more_is_not() -> None:
    allowed = png_with(chunk(b"prIv", b"") * (MAX_OTHER_CHUNKS - 2))
    assert pixels(lean(allowed)) == pixels(png_with())
    with pytest.raises(ImageError, match="metadata"):
        lean(png_with(chunk(b"prIv", b"") * MAX_OTHER_CHUNKS))


def test_the_pixels_of_a_png_may_come_in_many_pieces() -> None:
    whole = save(scene(), "PNG")
    start = whole.index(b"IDAT") - 4
    (length,) = struct.unpack_from(">I", whole, start)
    data = whole[start + 8 : start + 8 + length]
    pieces = b"".join(chunk(b"IDAT", data[at : at + 7]) for at in range(0, len(data), 7))
    assert lean(whole[:start] + pieces + whole[start + 12 + length :]) == lean(whole)
