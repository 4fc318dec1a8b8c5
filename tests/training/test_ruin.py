"""Strong damage keeps size and frame, is repeatable, and is strong."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from training.ruin import ruin


def bicubic(hr: np.ndarray) -> np.ndarray:
    size = hr.shape[1] // 4, hr.shape[0] // 4
    return np.asarray(Image.fromarray(hr).resize(size, Image.Resampling.BICUBIC))


@pytest.fixture
def hr(photo: Image.Image) -> np.ndarray:
    return np.asarray(photo)


@pytest.mark.parametrize("seed", range(12))
def test_a_ruined_patch_has_its_size_and_no_level_that_tells(hr: np.ndarray, seed: int) -> None:
    first, second = (ruin(hr, np.random.default_rng(seed), scale=4) for _ in range(2))
    np.testing.assert_array_equal(first.lr, second.lr)
    clean = bicubic(hr)
    assert first.lr.shape == clean.shape
    assert (first.level, first.is_damaged) == (0, True)
    assert np.abs(first.lr.astype(int) - clean).mean() > 1
    assert np.abs(first.lr.mean((0, 1)) - clean.mean((0, 1))).max() < 4


def test_ruin_leaves_the_picture_in_its_place(hr: np.ndarray) -> None:
    """The mean of many ruined patches fits the clean one best in its own place."""
    rng = np.random.default_rng(1)
    mean = np.mean([ruin(hr, rng, scale=4).lr for _ in range(120)], axis=0)
    clean = bicubic(hr).astype(float)

    def error(down: int, right: int) -> float:
        moved = np.roll(mean, (down, right), (0, 1))
        return float(np.mean((moved - clean)[2:-2, 2:-2] ** 2))

    best = min(((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)), key=lambda at: error(*at))
    assert best == (0, 0)
