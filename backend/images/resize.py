"""Reduction of pictures by a proper filter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from backend.images.picture import Picture, Plane, RgbImage


def resized(picture: Picture, size: tuple[int, int], *, has_hard_pixels: bool = False) -> Picture:
    """Return the picture at (width, height), by an antialiased Lanczos filter.

    Hard pixels are averaged by area, which does not ring.
    """
    if size == picture.size:
        return picture
    kernel = Image.Resampling.BOX if has_hard_pixels else Image.Resampling.LANCZOS
    alpha = None if picture.alpha is None else _resized(picture.alpha, size, kernel)
    return replace(picture, rgb=_resized(picture.rgb, size, kernel), alpha=alpha)


def reduced(picture: Picture, *, longest_side: int) -> Picture:
    """Return the picture in its proportions with no side above `longest_side`; never enlarge it."""
    width, height = picture.size
    share = longest_side / max(width, height)
    if share >= 1:
        return picture
    return resized(picture, (max(1, round(width * share)), max(1, round(height * share))))


def _resized(pixels: RgbImage | Plane, size: tuple[int, int], kernel: Image.Resampling) -> RgbImage:
    return np.asarray(Image.fromarray(pixels).resize(size, kernel))
