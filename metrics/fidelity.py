"""PSNR and SSIM on the luma channel, as the super-resolution literature reports them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

RgbImage = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float64]


def luma(image: RgbImage) -> Plane:
    """(H, W, 3) uint8 -> (H, W) BT.601 luma in [16, 235], MATLAB's `rgb2ycbcr` unrounded."""
    weights = np.array([65.481, 128.553, 24.966]) / 255
    return 16.0 + image.astype(np.float64) @ weights


def psnr_y(sr: RgbImage, hr: RgbImage, *, crop_border: int) -> float:
    """Peak signal-to-noise ratio in dB on luma, `crop_border` pixels left out at each side."""
    error = _crop(luma(sr), crop_border) - _crop(luma(hr), crop_border)
    mse = float(np.mean(error**2))
    return float("inf") if mse == 0 else 10 * float(np.log10(255**2 / mse))


def ssim_y(sr: RgbImage, hr: RgbImage, *, crop_border: int) -> float:
    """Structural similarity on luma (Wang et al. 2004: 11x11 Gaussian window, sigma 1.5)."""
    x = _crop(luma(sr), crop_border)
    y = _crop(luma(hr), crop_border)
    mean_x, mean_y = _window(x), _window(y)
    var_x = _window(x * x) - mean_x**2
    var_y = _window(y * y) - mean_y**2
    covariance = _window(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    numerator = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    denominator = (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    return float(np.mean(numerator / denominator))


def _crop(plane: Plane, border: int) -> Plane:
    return plane[border : plane.shape[0] - border, border : plane.shape[1] - border]


def _window(plane: Plane) -> Plane:
    """Average under the Gaussian window, only where it fits whole."""
    window = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window /= window.sum()
    rows = np.lib.stride_tricks.sliding_window_view(plane, 11, axis=0) @ window
    return np.asarray(np.lib.stride_tricks.sliding_window_view(rows, 11, axis=1) @ window)
