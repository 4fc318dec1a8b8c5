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
    return resized(picture, bounded_size(picture.size, max_side=longest_side))


def bounded_size(size: tuple[int, int], *, max_side: int) -> tuple[int, int]:
    """Return `size`, reduced in its proportions to sides from 1 to `max_side`; never larger."""
    width, height = size
    ratio = min(1.0, max_side / max(width, height))
    return max(1, round(width * ratio)), max(1, round(height * ratio))


def _resized(pixels: RgbImage | Plane, size: tuple[int, int], kernel: Image.Resampling) -> RgbImage:
    return np.asarray(Image.fromarray(pixels).resize(size, kernel))
