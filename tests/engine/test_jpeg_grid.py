"""A bad save is recognised although the file was saved well, or losslessly, afterwards."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from backend.images.jpeg_grid import grid_strength
from backend.images.picture import decode
from tests.pictures import save


def saved(image: Image.Image, quality: int) -> Image.Image:
    with Image.open(io.BytesIO(save(image, "JPEG", quality=quality))) as opened:
        return opened.convert("RGB")


def clean(photo: Image.Image) -> Image.Image:
    """Return the photograph without the grid of its own file."""
    return photo.resize((photo.width * 3 // 2, photo.height * 3 // 2), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("quality", [20, 40, 60])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_the_first_save_is_seen_behind_the_last(
    photo: Image.Image, quality: int, format: str
) -> None:
    options = {"lossless": True} if format == "WEBP" else {"quality": 95}
    data = save(saved(clean(photo), quality), format, **({} if format == "PNG" else options))
    found = decode(data, max_side=4096).jpeg_quality
    assert found is not None
    assert abs(found - quality) <= 20


@pytest.mark.parametrize("turn", list(Image.Transpose))
def test_a_turned_picture_has_the_grid_of_its_other_side(
    photo: Image.Image, turn: Image.Transpose
) -> None:
    odd = saved(clean(photo).crop((0, 0, 203, 157)), 30)
    found = decode(save(odd.transpose(turn), "PNG"), max_side=4096).jpeg_quality
    assert found is not None
    assert found < 60


def test_a_clean_picture_has_no_grid(photo: Image.Image) -> None:
    for image in (clean(photo), saved(clean(photo), 95), clean(clean(photo))):
        assert decode(save(image, "PNG"), max_side=4096).jpeg_quality is None


def test_bad_tables_are_believed(photo: Image.Image) -> None:
    assert decode(save(photo, "JPEG", quality=50), max_side=4096).jpeg_quality == 50


def test_a_drawn_grid_is_no_jpeg_grid() -> None:
    chance = np.random.default_rng(5)
    levels = chance.integers(100, 125, (40, 40, 1)).repeat(3, 2)
    tiles = np.kron(levels, np.ones((8, 8, 1))).astype(np.uint8)
    assert decode(save(Image.fromarray(tiles), "PNG"), max_side=999).jpeg_quality is None


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (1, 4000), (4000, 3), (64, 64)])
def test_any_size_is_taken(size: tuple[int, int]) -> None:
    pixels = np.full((size[1], size[0], 3), 100, np.uint8)
    assert grid_strength(pixels) in (None, 1.0)
