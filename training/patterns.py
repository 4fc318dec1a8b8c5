"""Patterns as fine as pixels: dither, weave, chessboards. Networks take them for strong edges.

No HR picture of them exists. Their mean colour is known, so their target is the linear enlargement,
which keeps it: no value overshoots and is cut off at black or white.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from training.degradations import RgbImage

BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16 + 1 / 32
"""Thresholds of ordered dither."""


def draw_pattern(photograph: RgbImage, rng: np.random.Generator) -> RgbImage:
    """(H, W, 3) uint8, as large as the photograph, which gives dither its shades."""
    height, width = photograph.shape[:2]
    kind = rng.choice(["diffused", "ordered", "palette", "chessboard", "stripes", "weave"])
    if kind == "palette":
        colours = int(rng.integers(2, 17))
        reduced = Image.fromarray(photograph).quantize(colours)
        dithered = Image.fromarray(photograph).quantize(
            palette=reduced, dither=Image.Dither.FLOYDSTEINBERG
        )
        return np.asarray(dithered.convert("RGB"))
    y, x = np.mgrid[:height, :width] + rng.integers(0, 8, (2, 1, 1))
    if kind in ("diffused", "ordered"):
        grey = Image.fromarray(photograph).convert("L")
        is_on = (
            np.asarray(grey.convert("1"))
            if kind == "diffused"
            else (np.asarray(grey) / 255 > BAYER[y % 4, x % 4])
        )
    elif kind == "chessboard":
        is_on = (x + y) % 2 == 0
    elif kind == "stripes":
        period = int(rng.integers(2, 4))
        is_on = (x, y, x + y)[rng.integers(3)] % period == 0
    else:
        period = int(rng.integers(2, 5))
        is_on = (
            ((x % period == 0) | (y % period == 0))
            if rng.random() < 0.5
            else ((x // 2 + y // 2) % 2 == x % 2)
        )
    dark, light = _two_colours(rng)
    return np.where(is_on[..., None], light, dark).astype(np.uint8)


def _two_colours(rng: np.random.Generator) -> RgbImage:
    """Return black and white half of the time, else any two colours."""
    if rng.random() < 0.5:
        return np.array([[0, 0, 0], [255, 255, 255]], np.uint8)
    colours = rng.integers(0, 256, (2, 3)).astype(np.uint8)
    if rng.random() < 0.4:
        colours[0] = 0
    return colours


def enlarged(pattern: RgbImage, *, scale: int) -> RgbImage:
    """(H, W, 3) -> (H * scale, W * scale, 3): linear between pixels, so that means stay."""
    height, width = pattern.shape[:2]
    size = width * scale, height * scale
    return np.asarray(Image.fromarray(pattern).resize(size, Image.Resampling.BILINEAR))
