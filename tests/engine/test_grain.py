"""Grain, which a sharpening network takes for detail."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from backend import LocalEngine
from backend.images.picture import Picture
from backend.inference.upscaler import Upscaler
from tests.networks import shipped_names

SIDE, SIGMA = 96, 8
BORDER = 16
"""HR pixels that are excluded: bicubic enlargement continues the border differently."""


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("model", shipped_names())
def test_grain_is_drawn_hardly_stronger_than_by_bicubic_enlargement(
    engine: LocalEngine, model: str, scale: int
) -> None:
    noise = np.random.default_rng(1).normal(128, SIGMA, (SIDE, SIDE, 3))
    lr = np.clip(np.rint(noise), 0, 255).astype(np.uint8)
    session = engine.session(model=model, scale=scale)
    sr = Upscaler(session, tile_size=384).upscale(Picture(rgb=lr)).rgb
    bicubic = Image.fromarray(lr).resize((scale * SIDE, scale * SIDE), Image.Resampling.BICUBIC)
    inside = slice(BORDER, -BORDER)
    ours, theirs = (np.asarray(each)[inside, inside].std() for each in (sr, bicubic))
    assert ours < theirs * 4 / 3


@pytest.mark.parametrize("model", shipped_names())
def test_cleaning_makes_grain_hardly_stronger(engine: LocalEngine, model: str) -> None:
    noise = np.random.default_rng(1).normal(128, SIGMA, (SIDE, SIDE, 3))
    lr = np.clip(np.rint(noise), 0, 255).astype(np.uint8)
    session = engine.session(model=model, scale=1)
    clean = Upscaler(session, tile_size=384).upscale(Picture(rgb=lr)).rgb
    assert clean.std() < lr.std() * 4 / 3
