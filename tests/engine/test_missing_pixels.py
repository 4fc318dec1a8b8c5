"""Files of which every pixel is there are read, whatever else is wrong; the others are not."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from PIL import Image

from backend.errors import ImageError
from backend.images.picture import decode
from tests.hostile.corpus import chunk, interlaced_png, png, scene
from tests.pictures import save

END = b"\xff\xd9"


def repacked(data: bytes, *, missing: int) -> bytes:
    """Pack a PNG's pixels again, without the last bytes."""
    at = data.index(b"IDAT")
    length = int.from_bytes(data[at - 4 : at])
    pixels = zlib.decompress(data[at + 4 : at + 4 + length])
    kept = pixels[: len(pixels) - missing]
    return data[: at - 4] + chunk(b"IDAT", zlib.compress(kept)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("make", [lambda: save(scene(), "PNG"), interlaced_png])
def test_a_png_without_its_last_rows_is_damaged(make: object, rows: int) -> None:
    assert callable(make)
    whole = make()
    np.testing.assert_array_equal(
        decode(repacked(whole, missing=0), max_side=99).rgb, decode(whole, max_side=99).rgb
    )
    with pytest.raises(ImageError):
        decode(repacked(whole, missing=rows * (1 + 3 * scene().width)), max_side=99)


def test_a_png_whose_last_row_is_black_is_read() -> None:
    picture = decode(save(Image.new("RGB", (9, 9)), "PNG"), max_side=99)
    assert not picture.rgb.any()


@pytest.mark.parametrize("palette", [b"", chunk(b"PLTE", b""), chunk(b"PLTE", bytes(3 * 257))])
def test_a_palette_that_is_not_there_is_damage(palette: bytes) -> None:
    with pytest.raises(ImageError):
        decode(png([bytes(8)] * 8, size=(8, 8), depth=8, color=3, extra=palette), max_side=99)


def test_a_transparency_with_a_wrong_checksum_is_left_out() -> None:
    clear = chunk(b"tRNS", b"\0\0")
    rows = [bytes(8)] * 8
    right = png(rows, size=(8, 8), depth=8, color=0, extra=clear)
    wrong = png(rows, size=(8, 8), depth=8, color=0, extra=clear[:-1] + b"x")
    assert decode(right, max_side=99).alpha is not None
    assert decode(wrong, max_side=99).alpha is None


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_a_progressive_jpeg_with_missing_scans_is_damaged(share: float) -> None:
    """Programs that save what they got write an end mark behind it."""
    whole = save(scene(), "JPEG", progressive=True, quality=95)
    with pytest.raises(ImageError):
        decode(whole[: int(share * len(whole))] + END, max_side=99)


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 90}])
@pytest.mark.parametrize("wrong", [-20, -1, 1, 1000])
def test_a_webp_that_states_a_wrong_length_is_read(options: dict[str, object], wrong: int) -> None:
    whole = save(scene(), "WEBP", **options)
    stated = int.from_bytes(whole[4:8], "little") + wrong
    data = whole[:4] + stated.to_bytes(4, "little") + whole[8:]
    wanted = decode(whole, max_side=99).rgb
    np.testing.assert_array_equal(decode(data, max_side=99).rgb, wanted)
    np.testing.assert_array_equal(decode(data + b"junk", max_side=99).rgb, wanted)


def test_a_webp_without_its_padding_is_read_and_without_pixels_it_is_not() -> None:
    sizes = range(20, 60)
    whole = next(
        each
        for each in (save(scene().resize((side, side)), "WEBP", lossless=True) for side in sizes)
        if int.from_bytes(each[16:20], "little") % 2
    )
    np.testing.assert_array_equal(
        decode(whole[:-1], max_side=99).rgb, decode(whole, max_side=99).rgb
    )
    for cut in (2, 9, len(whole) // 2):
        with pytest.raises(ImageError):
            decode(whole[:-cut], max_side=99)


@pytest.mark.parametrize("options", [{}, {"restart_marker_rows": 1}, {"progressive": True}])
def test_a_jpeg_that_lacks_a_few_bytes_is_the_same_picture_or_damaged(
    options: dict[str, object],
) -> None:
    y, x = np.mgrid[:96, :136]
    planes = (128 + 100 * np.sin(x / 11), y * 2.6, 128 + 90 * np.cos((x + y) / 9))
    whole = save(
        Image.fromarray(np.stack(planes, -1).astype(np.uint8)), "JPEG", quality=90, **options
    )
    wanted = decode(whole, max_side=199).rgb
    for missing in range(3, 40):
        try:
            found = decode(whole[:-missing], max_side=199).rgb
        except ImageError:
            continue
        np.testing.assert_array_equal(found, wanted, err_msg=f"{missing} bytes are missing")
