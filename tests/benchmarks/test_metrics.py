"""The measures of the literature, against values known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.fidelity import luma, psnr_y, ssim_y


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (40, 50, 3), np.uint8)


def test_luma_is_matlabs_from_16_to_235() -> None:
    colours = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0]]], np.uint8)
    np.testing.assert_allclose(luma(colours), [[16.0, 235.0, 81.481]], atol=1e-3)


def test_one_grey_level_everywhere_is_a_known_psnr() -> None:
    hr = np.full((20, 20, 3), 100, np.uint8)
    step = 219 / 255
    expected = 10 * np.log10(255**2 / step**2)
    assert psnr_y(hr + 1, hr, crop_border=2) == pytest.approx(expected)


def test_equal_pictures_have_no_error(picture: np.ndarray) -> None:
    assert psnr_y(picture, picture, crop_border=2) == float("inf")
    assert ssim_y(picture, picture, crop_border=2) == pytest.approx(1)


def test_the_border_does_not_count(picture: np.ndarray) -> None:
    framed = picture.copy()
    framed[:2] = framed[-2:] = framed[:, :2] = framed[:, -2:] = 0
    assert psnr_y(framed, picture, crop_border=2) == float("inf")
    assert psnr_y(framed, picture, crop_border=1) < 40


def test_structure_counts_for_ssim_and_brightness_hardly(picture: np.ndarray) -> None:
    darker = np.clip(picture.astype(int) - 10, 0, 255).astype(np.uint8)
    shuffled = np.random.default_rng(1).permutation(picture, axis=0)
    assert ssim_y(darker, picture, crop_border=0) > 0.95
    assert ssim_y(shuffled, picture, crop_border=0) < 0.2
