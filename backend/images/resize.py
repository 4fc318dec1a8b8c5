"""Pictures made smaller by a proper filter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from backend.images.picture import Picture, Plane, RgbImage


def resized(picture: Picture, size: tuple[int, int]) -> Picture:
    """Return the picture at (width, height), by a Lanczos filter as wide as the reduction asks."""
    if size == picture.size:
        return picture
    alpha = None if picture.alpha is None else _resized(picture.alpha, size)
    return replace(picture, rgb=_resized(picture.rgb, size), alpha=alpha)


def reduced(picture: Picture, *, longest_side: int) -> Picture:
    """Return the picture in its proportions with no side above `longest_side`; never enlarge it."""
    width, height = picture.size
    share = longest_side / max(width, height)
    if share >= 1:
        return picture
    return resized(picture, (max(1, round(width * share)), max(1, round(height * share))))


def _resized(pixels: RgbImage | Plane, size: tuple[int, int]) -> RgbImage:
    image = Image.fromarray(pixels)
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))
