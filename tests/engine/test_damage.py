"""Strongly damaged photographs get `photo`'s vivid weights, unless a request says otherwise."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from backend import LocalEngine, UpscaleOptions
from backend.images.damage import noise
from backend.images.picture import RgbImage
from tests.paths import SAMPLES


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    """A sharp photograph without grain, 112 x 112."""
    with Image.open(SAMPLES / "cat.jpg") as opened:
        return opened.convert("RGB").reduce(2).crop((0, 0, 112, 112))


def saved(image: Image.Image, format: str, **options: int) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def grainy(image: Image.Image, *, sigma: float) -> RgbImage:
    levels = np.asarray(image, np.float64)
    grain = np.random.default_rng(1).normal(0, sigma, levels.shape)
    return np.clip(np.rint(levels + grain), 0, 255).astype(np.uint8)


def used(engine: LocalEngine, data: bytes, **options: object) -> int | None:
    chosen = UpscaleOptions(**{"scale": 2, "model": "photo"} | options)  # type: ignore[arg-type]
    return engine.upscale(data, chosen).detail


def test_a_good_photograph_keeps_the_default(engine: LocalEngine, photograph: Image.Image) -> None:
    assert used(engine, saved(photograph, "PNG")) == engine.details["photo"] < 100
    assert used(engine, saved(photograph, "JPEG", quality=92)) == engine.details["photo"]


def test_a_badly_saved_photograph_gets_the_vivid_weights(
    engine: LocalEngine, photograph: Image.Image
) -> None:
    badly = saved(photograph, "JPEG", quality=40)
    assert used(engine, badly) == used(engine, badly, model="auto") == 100
    with Image.open(io.BytesIO(badly)) as again:
        assert used(engine, saved(again, "PNG")) == 100


def test_a_grainy_photograph_gets_the_vivid_weights(
    engine: LocalEngine, photograph: Image.Image
) -> None:
    data = saved(Image.fromarray(grainy(photograph, sigma=16)), "PNG")
    assert used(engine, data) == 100


def test_the_clean_up_is_left_to_the_model(engine: LocalEngine, photograph: Image.Image) -> None:
    badly = saved(photograph, "JPEG", quality=40)
    cleanups = {
        model: engine.upscale(badly, UpscaleOptions(scale=2, model=model)).cleanup
        for model in ("photo", "auto", "fast")
    }
    assert cleanups == {"photo": 0, "auto": 0, "fast": 60}


def test_a_request_decides_for_itself(engine: LocalEngine, photograph: Image.Image) -> None:
    badly = saved(photograph, "JPEG", quality=40)
    assert used(engine, badly, detail=80) == 80
    assert used(engine, badly, cleanup=0) == engine.details["photo"]
    assert used(engine, badly, model="quality") is None


@pytest.mark.parametrize("sigma", [8.0, 16.0])
def test_the_noise_of_a_plain_ground_is_measured(sigma: float) -> None:
    rng = np.random.default_rng(2)
    levels = rng.normal(128, sigma, (200, 300, 1)).repeat(3, axis=2)
    measured = noise(np.clip(np.rint(levels), 0, 255).astype(np.uint8))
    assert measured == pytest.approx(sigma, rel=0.25)


@pytest.mark.parametrize("size", [(1, 1), (17, 3), (300, 9)])
def test_a_tiny_picture_has_no_grain_that_could_be_told(size: tuple[int, int]) -> None:
    assert noise(np.zeros((*size, 3), np.uint8)) == 0
