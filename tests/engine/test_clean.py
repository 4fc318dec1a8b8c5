"""Cleaning at the same size, by networks made from those for x2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from backend import LocalEngine, UpscaleOptions
from backend.images.picture import Picture, decode
from backend.inference.upscaler import Upscaler
from tests.networks import shipped_names


@pytest.mark.parametrize("model", shipped_names())
@pytest.mark.parametrize("level", [0.0, 0.5])
def test_x1_answers_as_x2_reduced(
    engine: LocalEngine, photo: Image.Image, model: str, level: float
) -> None:
    """The picture has no black or white, which x2 clips before the mean is taken."""
    gentle = np.asarray(photo) // 2 + 64
    clean, double = (
        Upscaler(engine.session(model=model, scale=scale), tile_size=384)
        .upscale(Picture(rgb=gentle), cleanup_level=level)
        .rgb.astype(float)
        for scale in (1, 2)
    )
    height, width = gentle.shape[:2]
    reduced = double.reshape(height, 2, width, 2, 3).mean((1, 3))
    assert np.abs(clean - reduced).max() <= 1


@pytest.mark.parametrize("model", shipped_names())
def test_a_jpeg_comes_nearer_to_what_it_was(
    engine: LocalEngine, photo: Image.Image, photo_bytes: Callable[..., bytes], model: str
) -> None:
    data = photo_bytes("JPEG", quality=20)
    damaged = decode(data, max_side=999).rgb.astype(float)
    options = UpscaleOptions(scale=1, model=model, format="png")
    result = engine.upscale(data, options)
    assert (result.width, result.height, result.scale) == (96, 64, 1)
    clean = decode(result.data, max_side=999).rgb.astype(float)
    truth = np.asarray(photo, float)
    assert np.square(clean - truth).mean() < np.square(damaged - truth).mean()


def test_automatic_choice_and_detail_are_there_too(
    engine: LocalEngine, photo_bytes: Callable[..., bytes]
) -> None:
    options = UpscaleOptions(scale=1, model="auto", format="png")
    data = photo_bytes("PNG")
    assert engine.upscale(data, options).model == "photo"
    natural, vivid = (engine.upscale(data, replace(options, detail=each)) for each in (0, 100))
    assert natural.data != vivid.data
