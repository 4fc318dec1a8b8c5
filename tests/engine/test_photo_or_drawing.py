"""Photographs are told from drawings and print, however they were exposed and saved."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from backend.images.photo_or_drawing import exposed, is_photograph, sample
from tests.paths import SAMPLES

PHOTOGRAPHS = (
    "astronaut-portrait",
    "brick-wall",
    "cat",
    "coffee-cup",
    "galaxies",
    "old-portrait",
    "rocket-jpeg",
)
TEXT = "Of the quiet stations between the river and the mountain, one keeps its old wooden clock."


def as_it_is(image: Image.Image) -> Image.Image:
    return image


def three_stops_darker(image: Image.Image) -> Image.Image:
    levels = np.asarray(image) / 255
    light = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4) / 8
    seen = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return Image.fromarray((seen * 255).astype(np.uint8))


def in_fog(image: Image.Image) -> Image.Image:
    return image.point(lambda level: 170 + level * 0.25)


def saved_at_20(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=20)
    return Image.open(file).convert("RGB")


def halved(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("view", [as_it_is, three_stops_darker, in_fog, saved_at_20, halved])
@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_photograph_stays_one(name: str, view: Callable[[Image.Image], Image.Image]) -> None:
    with Image.open(SAMPLES / f"{name}.jpg") as opened:
        assert is_photograph(np.asarray(view(opened.convert("RGB"))))


def page(size: int) -> Image.Image:
    image = Image.new("RGB", (640, 800), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size)
    for line, y in enumerate(range(40, 740, round(size * 1.4))):
        draw.text((40, y), (TEXT * 2)[line % 7 :][: 1000 // size], (35, 30, 30), font)
    return image


def scanned(image: Image.Image, *, grain: float, blur: float, seed: int) -> Image.Image:
    """Add uneven light on yellowish paper, and the scanner's grain."""
    noise = np.random.default_rng(seed)
    seen = np.asarray(image.filter(ImageFilter.GaussianBlur(blur)), float) / 255
    light = np.linspace(0.95, 0.75, image.width)[None, :, None] * np.array([1, 0.97, 0.9])
    levels = seen * light + noise.normal(0, grain, seen.shape)
    return Image.fromarray((np.clip(levels, 0, 1) * 255).astype(np.uint8))


@pytest.mark.parametrize("size", [11, 16, 24])
@pytest.mark.parametrize("grain", [0.005, 0.02, 0.04])
@pytest.mark.parametrize("view", [as_it_is, saved_at_20, halved])
def test_print_is_no_photograph_however_grainy_its_paper(
    size: int, grain: float, view: Callable[[Image.Image], Image.Image]
) -> None:
    letter = scanned(page(size), grain=grain, blur=0.6, seed=size)
    assert not is_photograph(np.asarray(view(letter)))


def test_exposure_is_taken_out_and_left_where_it_is_full() -> None:
    with Image.open(SAMPLES / "cat.jpg") as opened:
        image = opened.convert("RGB")
    tiles = sample(np.asarray(image))
    _, full = exposed(tiles)
    _, foggy = exposed(sample(np.asarray(in_fog(image))))
    assert full < 1.5
    assert foggy > 2 * full
    plain = np.full((1, 16, 16, 3), 90, np.uint8)
    assert exposed(plain)[1] == 8
