"""PSNR between two images of one size."""

from __future__ import annotations

import math

from PIL import Image, ImageChops

from webapp.base.side import displayable

ROWS = 512


def psnr(one: Image.Image, other: Image.Image) -> float:
    """Return the PSNR in dB over all pixels and channels, infinite if identical.

    The peak is 255. Transparency counts only where both have it. Raise ValueError for images of
    different sizes.
    """
    if one.size != other.size:
        raise ValueError("the pictures have different sizes")
    one, other = displayable(one), displayable(other)
    mode = "RGBA" if one.mode == other.mode == "RGBA" else "RGB"
    squares = 0
    for top in range(0, one.height, ROWS):  # in strips: results have up to 268 megapixels
        box = (0, top, one.width, min(top + ROWS, one.height))
        strips = (each.crop(box).convert(mode) for each in (one, other))
        counts = ImageChops.difference(*strips).histogram()
        squares += sum(count * (index % 256) ** 2 for index, count in enumerate(counts))
    if squares == 0:
        return math.inf
    return 10 * math.log10(255**2 * one.width * one.height * len(mode) / squares)
