"""Strokes on plain paper, where a ringing network would draw halos."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFilter

from backend import LocalEngine
from backend.images.picture import Picture
from backend.inference.upscaler import Upscaler
from tests.networks import shipped_names

SIDE = 192
MIDDLE = (48, 48, 144, 144)
"""A part of the picture with a piece of every stroke."""
FINE = 4
PAPER_AND_INK = [(200, 30), (90, 240), (128, 60)]
Levels = npt.NDArray[np.int64]


def strokes(*, paper: int, ink: int, width: float) -> Image.Image:
    canvas = Image.new("L", (SIDE * FINE, SIDE * FINE), paper)
    draw = ImageDraw.Draw(canvas)
    thick = round(width * FINE)
    for line in ((96, 20, 96, 170), (20, 30, 150, 180)):
        draw.line([at * FINE for at in line], ink, thick)
    draw.ellipse([at * FINE for at in (30, 30, 120, 120)], outline=ink, width=thick)
    return canvas.resize((SIDE, SIDE), Image.Resampling.BOX)


def distance_from_paper(
    engine: LocalEngine, model: str, hr: Image.Image, *, scale: int, paper: int
) -> tuple[Levels, Levels]:
    """Return the network's and the bicubic deviations, in grey levels, away from the strokes."""
    small = (hr.width // scale, hr.height // scale)
    lr = hr.resize(small, Image.Resampling.BICUBIC).convert("RGB")
    inked = Image.fromarray(np.asarray(hr) != paper)
    around = inked.convert("L").filter(ImageFilter.MaxFilter(2 * scale + 1))
    is_paper = np.asarray(around) == 0

    session = engine.session(model=model, scale=scale)
    sr = Upscaler(session, tile_size=384).upscale(Picture(rgb=np.asarray(lr))).rgb
    bicubic = np.asarray(lr.resize(hr.size, Image.Resampling.BICUBIC))
    ours, theirs = (np.abs(image.astype(int) - paper)[is_paper] for image in (sr, bicubic))
    return ours, theirs


@pytest.mark.parametrize("model", shipped_names())
@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize(("paper", "ink"), PAPER_AND_INK)
@pytest.mark.parametrize("width", [1.5, 3, 6])
def test_paper_stays_plain_beside_a_stroke(
    engine: LocalEngine, model: str, scale: int, paper: int, ink: int, width: float
) -> None:
    hr = strokes(paper=paper, ink=ink, width=width)
    ours, theirs = distance_from_paper(engine, model, hr, scale=scale, paper=paper)
    assert ours.mean() < theirs.mean() / 2
    assert np.median(ours) == 0
    if scale == 2:
        assert ours.max() <= 6


@pytest.mark.parametrize("model", shipped_names())
@pytest.mark.parametrize(("paper", "ink"), PAPER_AND_INK)
@pytest.mark.parametrize("width", [1.5, 3, 6])
def test_cleaning_draws_next_to_nothing_on_plain_paper(
    engine: LocalEngine, model: str, paper: int, ink: int, width: float
) -> None:
    hr = strokes(paper=paper, ink=ink, width=width).crop(MIDDLE)
    ours, _ = distance_from_paper(engine, model, hr, scale=1, paper=paper)
    assert np.median(ours) == 0
    assert ours.mean() < 0.1
    assert ours.max() <= 10


@pytest.mark.parametrize("level", [0, 30, 128, 200, 255])
@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("model", shipped_names())
def test_a_plain_picture_stays_plain(
    engine: LocalEngine, model: str, scale: int, level: int
) -> None:
    plain = np.full((48, 64, 3), level, np.uint8)
    session = engine.session(model=model, scale=scale)
    sr = Upscaler(session, tile_size=384).upscale(Picture(rgb=plain)).rgb
    assert np.abs(sr.astype(int) - level).max() <= 1
