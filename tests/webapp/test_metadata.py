"""The original's metadata that a result keeps, and what it never keeps."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from backend.images.metadata import Kept, embed
from backend.images.picture import Decode, decode
from backend.images.sandbox.process import DecodeProcess
from webapp.base.files import Disk
from webapp.intake.large_picture import cut, decode_large
from webapp.intake.pictures import InputFile, inspect

TAKEN = "2021:05:03 14:30:00"
KEPT = Kept(taken=TAKEN, dpi=(300, 300))
MAKE, DATE, EXIF, GPS, LATITUDE = 0x010F, 0x9003, 0x8769, 0x8825, 2


def photograph(image: Image.Image, format: str, **options: object) -> bytes:
    """Save a file as a phone does."""
    exif = Image.Exif()
    exif[MAKE] = "Example"
    exif[EXIF] = {DATE: TAKEN}
    exif[GPS] = {1: "N", LATITUDE: (52.0, 31.0, 12.0)}
    file = io.BytesIO()
    image.save(file, format, exif=exif.tobytes(), **options)
    return file.getvalue()


@pytest.fixture(params=["here", "in a process"])
def reader(request: pytest.FixtureRequest) -> Decode:
    return decode if request.param == "here" else DecodeProcess().decode


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_date_and_kinds_are_read_from_every_format(
    photo: Image.Image, format: str, disk: Disk, reader: Decode
) -> None:
    pillow_heif.register_heif_opener()
    picture = InputFile.from_bytes(photograph(photo, format), name="a", disk=disk)

    seen = inspect(picture, decode=reader, max_side=999, disk=disk)

    assert seen.kept.taken == TAKEN
    assert seen.has_place
    assert seen.has_camera


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_the_resolution_is_read(photo_bytes: Callable[..., bytes], format: str) -> None:
    assert decode(photo_bytes(format, dpi=(300, 300)), max_side=999).dpi == (300, 300)


def test_a_picture_without_any_of_it_has_nothing_to_keep(
    photo_bytes: Callable[..., bytes], disk: Disk
) -> None:
    picture = InputFile.from_bytes(photo_bytes("PNG"), name="a.png", disk=disk)

    seen = inspect(picture, decode=decode, max_side=999, disk=disk)

    assert not seen.kept
    assert not seen.has_place
    assert not seen.has_camera


@pytest.mark.parametrize(
    ("taken", "dpi"), [("yesterday", None), ("2021:05:03 14:30:00", 0), ("<b>:05:03", 10**6)]
)
def test_meaningless_dates_and_resolutions_are_not_kept(
    photo: Image.Image, taken: str, dpi: int | None
) -> None:
    exif = Image.Exif()
    exif[EXIF] = {DATE: taken}
    if dpi is not None:
        exif[0x011A] = dpi
    file = io.BytesIO()
    photo.save(file, "PNG", exif=exif)

    picture = decode(file.getvalue(), max_side=999)

    assert picture.taken in (None, TAKEN)
    assert picture.dpi is None


@pytest.mark.parametrize("broken", [8, 12, 20, 40, 60, 90])
def test_exif_that_breaks_off_is_no_reason_to_refuse(photo: Image.Image, broken: int) -> None:
    whole = Image.open(io.BytesIO(photograph(photo, "JPEG"))).info["exif"]
    file = io.BytesIO()
    photo.save(file, "JPEG", exif=whole[:broken])

    assert decode(file.getvalue(), max_side=999).size == photo.size


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("png", {}),
        ("jpeg", {}),
        ("webp", {}),
        ("webp", {"lossless": True}),
        ("webp", {"icc_profile": b"\0" * 16 + b"RGB " + b"\0" * 108}),
    ],
)
@pytest.mark.parametrize("has_alpha", [False, True])
def test_metadata_is_written_without_touching_a_pixel(
    photo: Image.Image, format: str, options: dict[str, object], has_alpha: bool
) -> None:
    image = photo.copy()
    if has_alpha and format != "jpeg":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    file = io.BytesIO()
    image.save(file, format, **options)
    before = Image.open(io.BytesIO(file.getvalue()))

    after = Image.open(io.BytesIO(embed(file.getvalue(), KEPT, format=format, size=image.size)))

    assert (after.mode, after.size) == (before.mode, before.size)
    assert np.array_equal(np.asarray(after), np.asarray(before))
    assert after.getexif().get_ifd(EXIF) == {DATE: TAKEN}
    assert not after.getexif().get_ifd(GPS)
    assert float(after.getexif()[0x011A]) == 300
    assert after.info.get("icc_profile") == before.info.get("icc_profile")
    if format != "webp":
        assert [round(side) for side in after.info["dpi"]] == [300, 300]


def test_a_part_that_is_cut_out_keeps_the_date(photo: Image.Image, disk: Disk) -> None:
    data = photograph(photo, "JPEG", dpi=(240, 240))
    whole = InputFile.from_bytes(data, name="a.jpg", disk=disk)

    part = cut(whole, decode_large(whole, decode=decode), (0, 0, 40, 40), disk=disk)

    seen = inspect(part, decode=decode, max_side=999, disk=disk)
    assert seen.kept == Kept(taken=TAKEN, dpi=(240, 240))
    assert not seen.has_place
