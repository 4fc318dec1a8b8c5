"""NIQE: the naturalness of a single picture; lower is more natural, and easily fooled.

A. Mittal, R. Soundararajan and A. Bovik, "Making a Completely Blind Image Quality Analyzer" (2013):
statistics of blocks of 96 pixels at two scales, compared with those of pristine photographs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.ndimage import convolve
from scipy.special import gamma

Plane = npt.NDArray[np.float64]
PRISTINE = "niqe_pris_params.npz"
"""The file in the folder of weights."""
BLOCK = 96
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
SHAPES = np.arange(0.2, 10.001, 0.001)
RATIOS = gamma(2 / SHAPES) ** 2 / (gamma(1 / SHAPES) * gamma(3 / SHAPES))


class Niqe:
    """(H, W, 3) uint8 of at least 96 x 96 -> score."""

    def __init__(self, weights: Path) -> None:
        saved = np.load(weights / PRISTINE)
        self._mean: Plane = saved["mu_pris_param"]
        self._covariance: Plane = saved["cov_pris_param"]
        self._window: Plane = saved["gaussian_window"]

    def __call__(self, picture: npt.NDArray[np.uint8]) -> float:
        y = np.round(picture.astype(np.float64) @ np.array([0.299, 0.587, 0.114]))
        y = y[: y.shape[0] // BLOCK * BLOCK, : y.shape[1] // BLOCK * BLOCK]
        if y.size == 0:
            raise ValueError(f"NIQE needs at least {BLOCK} x {BLOCK} pixels")
        scales = []
        for side in (BLOCK, BLOCK // 2):
            contrast = self._normalised_contrast(y)
            scales.append([block_features(block) for block in blocks(contrast, side)])
            y = halve(halve(y / 255, axis=0), axis=1) * 255
        features = np.concatenate(scales, axis=1)
        distance = self._mean - np.nanmean(features, axis=0)
        covariance = np.cov(features[~np.isnan(features).any(1)], rowvar=False)
        inverse = np.linalg.pinv((self._covariance + covariance) / 2)
        return float(np.sqrt(distance @ inverse @ distance.T).squeeze())

    def _normalised_contrast(self, y: Plane) -> Plane:
        mean = convolve(y, self._window, mode="nearest")
        variance = np.abs(convolve(y * y, self._window, mode="nearest") - mean**2)
        return np.asarray((y - mean) / (np.sqrt(variance) + 1))


def blocks(plane: Plane, side: int) -> Iterator[Plane]:
    """Return whole squares of `side` pixels, column by column."""
    for left in range(0, plane.shape[1], side):
        for top in range(0, plane.shape[0], side):
            yield plane[top : top + side, left : left + side]


def fit_asymmetric(values: Plane) -> tuple[float, float, float]:
    """Return (shape, left scale, right scale) of an asymmetric generalised Gaussian."""
    x = values.ravel()
    left, right = np.sqrt((x[x < 0] ** 2).mean()), np.sqrt((x[x > 0] ** 2).mean())
    skew = left / right
    wanted = np.abs(x).mean() ** 2 / (x**2).mean()
    wanted *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    shape = float(SHAPES[np.argmin((RATIOS - wanted) ** 2)])
    width = float(np.sqrt(gamma(1 / shape) / gamma(3 / shape)))
    return shape, left * width, right * width


def block_features(block: Plane) -> list[float]:
    """Return 18 numbers: fits of the block, and of its products with itself shifted four ways."""
    shape, left, right = fit_asymmetric(block)
    features = [shape, (left + right) / 2]
    for shift in NEIGHBOURS:
        shape, left, right = fit_asymmetric(block * np.roll(block, shift, (0, 1)))
        mean = (right - left) * gamma(2 / shape) / gamma(1 / shape)
        features += [shape, mean, left, right]
    return features


def halve(plane: Plane, *, axis: int) -> Plane:
    """Halve an axis by MATLAB's antialiased bicubic reduction, mirrored at the border."""
    lines = np.moveaxis(plane, axis, 0)
    length = lines.shape[0]
    centres = 2 * np.arange(1, length // 2 + 1) - 0.5
    taps = np.floor(centres - 4)[:, None] + np.arange(10)
    distance = np.abs(centres[:, None] - taps) / 2
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    weights = np.where(distance <= 1, near, np.where(distance <= 2, far, 0))
    weights /= weights.sum(1, keepdims=True)
    mirrored = np.concatenate([np.arange(length), np.arange(length)[::-1]])
    rows = mirrored[(taps - 1).astype(int) % (2 * length)]
    return np.moveaxis(np.einsum("ok,ok...->o...", weights, lines[rows]), 0, axis)
