"""Strong damage: pictures saved again and again, coarse grain, old scans and prints.

The files do not tell the damage: they are PNG, or JPEG saved well at the end. So the clean-up level
is 0 and the network judges for itself. `training.wild` is milder.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from training.degradations import RgbImage, jpeg
from training.wild import Damaged, add_noise, blur, random_kernel

KINDS = ("resaved", "grain", "scan", "print")
SHARES = (0.35, 0.3, 0.25, 0.1)
GRID = 8
"""Side of a JPEG block."""


def ruin(hr: RgbImage, rng: np.random.Generator, *, scale: int) -> Damaged:
    """(h * scale, w * scale, 3) uint8 -> the LR patch, ruined in one of four ways."""
    size = hr.shape[1] // scale, hr.shape[0] // scale
    picture = np.asarray(Image.fromarray(hr).resize(size, Image.Resampling.BICUBIC))
    kind = rng.choice(KINDS, p=SHARES)
    if kind == "resaved":
        picture = _resaved(picture, rng)
    elif kind == "grain":
        picture = _grainy(picture, rng)
    else:
        picture = _scanned(_printed(picture, rng) if kind == "print" else picture, rng)
    return Damaged(lr=picture, level=0.0, is_damaged=True)


def _resaved(picture: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Save two or three times as JPEG with other block grids, sometimes resized between."""
    if rng.random() < 0.4:
        picture = blur(picture, random_kernel(rng, sigma=rng.uniform(0.3, 1.0)))
    if rng.random() < 0.3:
        picture = add_noise(picture, rng, sigma=rng.uniform(1, 8))
    for _ in range(2 if rng.random() < 0.75 else 3):
        if rng.random() < 0.25:
            picture = _through_another_size(picture, rng)
        picture = _saved_elsewhere(picture, rng, quality=int(rng.integers(25, 80)))
    return picture


def _through_another_size(picture: RgbImage, rng: np.random.Generator) -> RgbImage:
    height, width = picture.shape[:2]
    factor = rng.uniform(0.6, 1.3)
    image = Image.fromarray(picture)
    filters = Image.Resampling.BICUBIC, Image.Resampling.BILINEAR
    other = image.resize((round(width * factor), round(height * factor)), filters[rng.integers(2)])
    return np.asarray(other.resize((width, height), filters[rng.integers(2)]))


def _saved_elsewhere(picture: RgbImage, rng: np.random.Generator, *, quality: int) -> RgbImage:
    height, width = picture.shape[:2]
    top, left = rng.integers(0, GRID, 2).tolist()
    wide = np.pad(picture, ((top, 0), (left, 0), (0, 0)), mode="reflect")
    subsampling = 2 if rng.random() < 0.8 else 0
    saved = jpeg(Image.fromarray(wide), quality=quality, subsampling=subsampling)
    return saved[top : top + height, left : left + width]


def _grainy(picture: RgbImage, rng: np.random.Generator) -> RgbImage:
    if rng.random() < 0.4:
        picture = blur(picture, random_kernel(rng, sigma=rng.uniform(0.3, 0.9)))
    if rng.random() < 0.3:
        picture = _with_texture(picture, rng, sigma=rng.uniform(3, 12))
    picture = add_noise(picture, rng, sigma=rng.uniform(6, 28))
    if rng.random() < 0.3:
        picture = _saved_elsewhere(picture, rng, quality=int(rng.integers(50, 95)))
    return picture


def _scanned(picture: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Soften the picture, add the grain of paper, and save it once more."""
    picture = blur(picture, random_kernel(rng, sigma=rng.uniform(0.5, 1.5)))
    if rng.random() < 0.3:
        picture = _with_texture(picture, rng, sigma=rng.uniform(2, 8))
    grey = rng.standard_normal((*picture.shape[:2], 1), np.float32) * rng.uniform(3, 15)
    picture = _to_bytes(picture + grey)
    return _saved_elsewhere(picture, rng, quality=int(rng.integers(35, 85)))


def _with_texture(picture: RgbImage, rng: np.random.Generator, *, sigma: float) -> RgbImage:
    """Add grey grain that is larger than pixels, as film and paper have it."""
    height, width = picture.shape[:2]
    coarse = rng.standard_normal((height // 2 + 1, width // 2 + 1)).astype(np.float32)
    grain = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return _to_bytes(picture + sigma * np.asarray(grain)[..., None])


def _printed(picture: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Print the picture as a halftone whose dots partly run together."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    turned, period = rng.uniform(0, np.pi), rng.uniform(2.0, 4.0)
    along = (x * np.cos(turned) + y * np.sin(turned)) * 2 * np.pi / period
    across = (y * np.cos(turned) - x * np.sin(turned)) * 2 * np.pi / period
    screen = (np.cos(along) + np.cos(across)) * 64 * rng.uniform(0.3, 1.0)
    dots = picture + screen[..., None]
    return _to_bytes(picture + rng.uniform(0.3, 0.7) * (dots - picture))


def _to_bytes(levels: npt.NDArray[np.floating]) -> RgbImage:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
