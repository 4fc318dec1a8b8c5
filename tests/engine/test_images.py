"""Every colour mode is decoded to the right pixels, and encoded again."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms

from backend.errors import ImageError, ImageTooLargeError, UnsupportedMediaTypeError
from backend.images.formats import JPEG
from backend.images.jpeg_quality import estimated_quality
from backend.images.modes import bleed
from backend.images.picture import Picture, decode, encode, local_range, output_format
from tests.pictures import save

SaveBytes = Callable[..., bytes]


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P"])
def test_opaque_modes_decode_to_their_own_colours(photo: Image.Image, mode: str) -> None:
    image = photo.convert(mode)
    picture = decode(save(image, "PNG"), max_side=4096)
    np.testing.assert_array_equal(picture.rgb, np.asarray(image.convert("RGB")))
    assert picture.alpha is None
    assert picture.is_gray == (mode in ("L", "1"))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_kept_and_colour_is_bled_under_it(photo: Image.Image, mode: str) -> None:
    image = photo.convert(mode)
    alpha = Image.new("L", image.size, 255)
    alpha.paste(0, (0, 0, 40, 64))
    image.putalpha(alpha)
    picture = decode(save(image, "PNG"), max_side=4096)
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha, np.asarray(alpha))
    visible = np.asarray(alpha) > 0
    np.testing.assert_array_equal(picture.rgb[visible], np.asarray(image.convert("RGB"))[visible])


def test_a_fully_opaque_alpha_channel_is_dropped(photo: Image.Image) -> None:
    picture = decode(save(photo.convert("RGBA"), "PNG"), max_side=4096)
    assert picture.alpha is None


def test_transparent_pixels_take_the_colour_of_their_neighbours() -> None:
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[10:20, 10:20] = (200, 40, 10, 255)
    pixels[:, :, :3][pixels[:, :, 3] == 0] = (0, 255, 0)
    bled = np.asarray(bleed(Image.fromarray(pixels)))
    assert np.abs(bled[9, 9].astype(int) - (200, 40, 10)).max() <= 2
    assert np.abs(bled[0, 0].astype(int) - (200, 40, 10)).max() <= 8


def test_grey_is_bled_too() -> None:
    pixels = np.zeros((32, 32, 2), np.uint8)
    pixels[10:20, 10:20] = (200, 255)
    picture = decode(save(Image.fromarray(pixels), "PNG"), max_side=4096)
    assert picture.is_gray
    assert abs(int(picture.rgb[9, 9, 0]) - 200) <= 2


def test_palette_transparency_becomes_alpha(photo: Image.Image) -> None:
    image = photo.quantize(8)
    picture = decode(save(image, "PNG", transparency=0), max_side=4096)
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha == 0, np.asarray(image) == 0)


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    wide = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    picture = decode(save(Image.fromarray(wide), "PNG"), max_side=4096)
    expected = np.round(wide / 257).astype(np.uint8)
    assert np.abs(picture.rgb[:, :, 0].astype(int) - expected).max() <= 1
    assert picture.is_gray


def test_cmyk_comes_out_in_the_right_colours(photo: Image.Image) -> None:
    picture = decode(save(photo.convert("CMYK"), "JPEG", quality=95), max_side=4096)
    difference = picture.rgb.astype(int) - np.asarray(photo, int)
    assert np.abs(difference).mean() < 6


def test_a_matching_icc_profile_survives_and_exif_does_not(photo: Image.Image) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (1.0, 2.0, 3.0)}
    source = save(photo, "JPEG", icc_profile=profile, exif=exif)
    written = Image.open(
        io.BytesIO(encode(decode(source, max_side=4096), format="jpeg", quality=90))
    )
    assert written.info["icc_profile"] == profile
    assert not written.getexif()


def test_a_profile_of_another_colour_space_is_dropped(photo: Image.Image) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = decode(save(photo.convert("L"), "PNG", icc_profile=profile), max_side=4096)
    assert picture.icc_profile is None


def test_the_longest_side_is_limited_from_the_header() -> None:
    header_only = save(Image.new("L", (4097, 8)), "PNG")[:60]
    with pytest.raises(ImageTooLargeError):
        decode(header_only, max_side=4096)


def test_the_longest_legal_side_is_read() -> None:
    assert decode(save(Image.new("L", (4096, 1)), "PNG"), max_side=4096).size == (4096, 1)


@pytest.mark.parametrize("format", ["ICO", "PPM", "TGA"])
def test_other_formats_are_refused_by_content(photo: Image.Image, format: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        decode(save(photo, format), max_side=4096)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "BMP"])
def test_a_truncated_file_is_damaged(photo: Image.Image, format: str) -> None:
    data = save(photo, format)
    with pytest.raises(ImageError):
        decode(data[: len(data) // 2], max_side=4096)


@pytest.mark.parametrize("quality", [10, 30, 50, 75, 90, 95, 100])
def test_the_jpeg_quality_is_read_from_the_tables(photo: Image.Image, quality: int) -> None:
    picture = decode(save(photo, "JPEG", quality=quality), max_side=4096)
    assert picture.jpeg_quality == pytest.approx(quality, abs=1)
    assert picture.source_format is JPEG


def test_a_lossless_file_has_no_jpeg_quality(photo_bytes: SaveBytes) -> None:
    assert decode(photo_bytes("PNG"), max_side=4096).jpeg_quality is None
    assert estimated_quality({}) is None


def test_auto_keeps_the_kind_of_the_input(photo: Image.Image) -> None:
    jpeg = decode(save(photo, "JPEG"), max_side=4096)
    assert output_format(jpeg, "auto") == "jpeg"
    assert output_format(decode(save(photo, "BMP"), max_side=4096), "auto") == "png"


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_written_files_open_with_the_same_pixels(photo: Image.Image, format: str) -> None:
    picture = Picture(rgb=np.asarray(photo))
    opened = Image.open(io.BytesIO(encode(picture, format=format)))
    assert opened.format == format.upper()
    difference = np.abs(np.asarray(opened.convert("RGB"), int) - picture.rgb)
    assert difference.mean() < (0.001 if format == "png" else 3)


def test_jpeg_keeps_full_colour_resolution(photo: Image.Image) -> None:
    opened = Image.open(io.BytesIO(encode(Picture(rgb=np.asarray(photo)), format="jpeg")))
    assert {layer[1:3] for layer in opened.layer} == {(1, 1)}  # type: ignore[attr-defined]


def test_the_local_range_bounds_every_neighbourhood() -> None:
    alpha = np.zeros((9, 9), np.uint8)
    alpha[4, 4] = 90
    low, high = local_range(alpha)
    assert low.max() == 0
    assert (high > 0).sum() == 9
