"""Damage keeps the picture's frame, is repeatable, and has every kind."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from training.wild import WildDegradation, add_noise, blur, degrade_wild, random_kernel

CLEAN = WildDegradation(clean_probability=1)
RUINED = WildDegradation(
    clean_probability=0,
    blur_probability=1,
    resize_probability=1,
    early_noise_probability=1,
    early_jpeg_probability=1,
    second_blur_probability=1,
    noise_probability=1,
    sharpen_probability=1,
    jpeg_probability=1,
    unknown_jpeg_probability=0,
)


@pytest.fixture
def hr(photo: Image.Image) -> np.ndarray:
    return np.asarray(photo)


def bicubic(hr: np.ndarray) -> np.ndarray:
    size = hr.shape[1] // 4, hr.shape[0] // 4
    return np.asarray(Image.fromarray(hr).resize(size, Image.Resampling.BICUBIC))


def test_a_clean_patch_is_the_bicubic_one(hr: np.ndarray) -> None:
    damaged = degrade_wild(hr, CLEAN, np.random.default_rng(0), scale=4)
    np.testing.assert_array_equal(damaged.lr, bicubic(hr))
    assert (damaged.level, damaged.is_damaged) == (0, False)


@pytest.mark.parametrize("seed", range(8))
def test_a_ruined_patch_has_its_size_and_says_so(hr: np.ndarray, seed: int) -> None:
    damaged = degrade_wild(hr, RUINED, np.random.default_rng(seed), scale=4)
    assert damaged.lr.shape == bicubic(hr).shape
    assert damaged.is_damaged
    assert 0.05 <= damaged.level <= 0.7


def test_the_same_seed_gives_the_same_damage(hr: np.ndarray) -> None:
    first, second = (
        degrade_wild(hr, RUINED, np.random.default_rng(5), scale=4).lr for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_damage_leaves_the_picture_in_its_place(hr: np.ndarray) -> None:
    """The mean of many damaged patches fits the clean one best in its own place."""
    rng = np.random.default_rng(1)
    quiet = WildDegradation(clean_probability=0, noise_probability=0, early_noise_probability=0)
    mean = np.mean([degrade_wild(hr, quiet, rng, scale=4).lr for _ in range(60)], axis=0)
    clean = bicubic(hr).astype(float)

    def error(down: int, right: int) -> float:
        moved = np.roll(mean, (down, right), (0, 1))
        return float(np.mean((moved - clean)[2:-2, 2:-2] ** 2))

    best = min(((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)), key=lambda at: error(*at))
    assert best == (0, 0)


@pytest.mark.parametrize("seed", range(12))
def test_every_kernel_keeps_the_light(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kernel = random_kernel(rng, sigma=rng.uniform(0.3, 4))
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    flat = np.full((40, 40, 3), 77, np.uint8)
    np.testing.assert_array_equal(blur(flat, kernel), flat)


def test_noise_is_as_strong_as_asked() -> None:
    flat = np.full((200, 200, 3), 128, np.uint8)
    spread = [
        float(add_noise(flat, np.random.default_rng(seed), sigma=8).std()) for seed in range(6)
    ]
    assert all(7 < each < 10 for each in spread)
