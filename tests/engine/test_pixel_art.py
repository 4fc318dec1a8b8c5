"""Pixel art keeps its hard pixels, and nothing else gets them."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backend import LocalEngine, UpscaleOptions
from backend.images.picture import Picture, RgbImage, decode
from backend.images.pixel_art import is_pixel_art
from backend.sizes import ExactSize
from tests import pictures
from tests.paths import SAMPLES

PALETTE = np.array(
    [(24, 20, 37), (190, 74, 47), (215, 118, 67), (234, 212, 170), (62, 137, 72), (0, 149, 233)],
    np.uint8,
)


def sprite(side: int, *, seed: int = 3) -> RgbImage:
    """Draw a symmetric figure with a few colours in patches of a few pixels."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, len(PALETTE), (side // 4, side // 8))
    patches = coarse.repeat(4, 0).repeat(4, 1)
    outline = generator.random(patches.shape) < 0.15
    half = np.where(outline, 0, patches)
    return PALETTE[np.concatenate([half, half[:, ::-1]], axis=1)]


def tiles(side: int) -> RgbImage:
    """Draw ground of two shades in a pattern of single pixels, as in games."""
    y, x = np.mgrid[:side, :side]
    return PALETTE[np.where((x // 4 + y // 4) % 2, 4, np.where((x * 7 + y * 5) % 11 == 0, 3, 1))]


@pytest.mark.parametrize("side", [16, 24, 32, 48, 64])
@pytest.mark.parametrize("make", [sprite, tiles])
@pytest.mark.parametrize("scale", [2, 4])
def test_automatic_choice_enlarges_by_hard_pixels(
    engine: LocalEngine, make: Callable[[int], RgbImage], side: int, scale: int
) -> None:
    lr = make(side)
    data = pictures.save(Image.fromarray(lr), "PNG")
    result = engine.upscale(data, UpscaleOptions(model="auto", scale=scale))
    assert (result.model, result.detail) == ("pixels", None)
    got = decode(result.data, max_side=999).rgb
    np.testing.assert_array_equal(got, lr.repeat(scale, 0).repeat(scale, 1))


def test_transparency_has_hard_pixels_too(engine: LocalEngine) -> None:
    rgba = np.dstack((sprite(32), np.where(tiles(32)[:, :, 0] == 24, 0, 255).astype(np.uint8)))
    rgba[:8, :, 3] = 0
    data = pictures.save(Image.fromarray(rgba), "PNG")
    result = engine.upscale(data, UpscaleOptions(model="auto", scale=4))
    assert result.model == "pixels"
    with Image.open(io.BytesIO(result.data)) as opened:
        alpha = np.asarray(opened.convert("RGBA"))[:, :, 3]
    np.testing.assert_array_equal(alpha, rgba[:, :, 3].repeat(4, 0).repeat(4, 1))


@pytest.mark.parametrize("factor", [3, 7, 12])
def test_an_exact_size_that_is_a_whole_number_is_exact(engine: LocalEngine, factor: int) -> None:
    lr = sprite(16)
    data = pictures.save(Image.fromarray(lr), "PNG")
    options = UpscaleOptions(model="auto", size=ExactSize(factor=factor))
    got = decode(engine.upscale(data, options).data, max_side=999).rgb
    np.testing.assert_array_equal(got, lr.repeat(factor, 0).repeat(factor, 1))


def test_fractional_enlargement_of_pixel_art_stays_between_its_colours(engine: LocalEngine) -> None:
    lr = sprite(16)
    data = pictures.save(Image.fromarray(lr), "PNG")
    options = UpscaleOptions(model="pixels", size=ExactSize(width=50))
    got = decode(engine.upscale(data, options).data, max_side=999).rgb
    assert got.shape == (50, 50, 3)
    assert got.min() >= lr.min() and got.max() <= lr.max()


def test_the_first_look_at_pixel_art_is_of_hard_pixels(engine: LocalEngine) -> None:
    lr = sprite(32)
    data = pictures.save(Image.fromarray(lr), "PNG")
    look = engine.first_look(data, UpscaleOptions(model="auto", scale=4))
    got = decode(look.data, max_side=999).rgb
    np.testing.assert_array_equal(got, lr.repeat(4, 0).repeat(4, 1))


def text(side: int) -> RgbImage:
    """Draw antialiased letters."""
    canvas = Image.new("RGB", (side * 4, side * 4), "white")
    ImageDraw.Draw(canvas).text((8, 8), "Exact\nsizes", fill="black", font_size=side)
    return np.asarray(canvas.resize((side, side), Image.Resampling.LANCZOS))


def gradient(side: int) -> RgbImage:
    row = np.linspace(90, 160, side).astype(np.uint8)
    return np.broadcast_to(row[:, None], (side, side, 3)).copy()


def photograph(side: int) -> RgbImage:
    with Image.open(SAMPLES / "cat.jpg") as opened:
        return np.asarray(opened.convert("RGB").resize((side, side)))


def photograph_of_few_colours(side: int) -> RgbImage:
    """Draw a photograph as a GIF has it, with dither for the colours between."""
    image = Image.fromarray(photograph(side)).quantize(32, dither=Image.Dither.FLOYDSTEINBERG)
    return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("side", [16, 32, 64, 128])
@pytest.mark.parametrize(
    "make", [text, gradient, photograph, photograph_of_few_colours, lambda n: np.full((n, n, 3), 9)]
)
def test_other_pictures_are_not_taken_for_pixel_art(
    make: Callable[[int], RgbImage], side: int
) -> None:
    assert not is_pixel_art(Picture(rgb=make(side).astype(np.uint8)))


def test_a_large_drawing_of_few_colours_is_no_pixel_art() -> None:
    assert not is_pixel_art(Picture(rgb=sprite(64).repeat(16, 0).repeat(16, 1)))
