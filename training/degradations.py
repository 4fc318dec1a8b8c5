"""Usual damage of pictures: blur, noise and above all JPEG."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from backend.images.jpeg_quality import cleanup_from_quality

RgbImage = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Degradation:
    """Frequency and strength of damage to LR patches; probabilities in [0, 1]."""

    jpeg_probability: float = 0.5
    jpeg_quality: tuple[int, int] = (30, 95)
    blur_probability: float = 0.1
    noise_probability: float = 0.1
    chroma_subsampling_probability: float = 0.8


def cleanup_level(quality: int) -> float:
    """Return the conditioning input for a JPEG quality: 0 is clean, 0.7 is quality 30."""
    return cleanup_from_quality(quality) / 100


def degrade(
    lr: RgbImage, degradation: Degradation, rng: np.random.Generator
) -> tuple[RgbImage, float]:
    """(H, W, 3) uint8 -> the damaged patch of the same shape and its clean-up level."""
    if rng.random() >= degradation.jpeg_probability:
        return lr, 0.0
    image = Image.fromarray(lr)
    if rng.random() < degradation.blur_probability:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 0.7))))
    if rng.random() < degradation.noise_probability:
        noise = rng.normal(0.0, rng.uniform(1.0, 4.0), lr.shape)
        image = Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))
    low, high = degradation.jpeg_quality
    quality = int(rng.integers(low, high + 1))
    subsampling = 2 if rng.random() < degradation.chroma_subsampling_probability else 0
    return jpeg(image, quality=quality, subsampling=subsampling), cleanup_level(quality)


def jpeg(image: Image.Image, *, quality: int, subsampling: int) -> RgbImage:
    """Save as JPEG and read back, (H, W, 3) uint8; subsampling as Pillow counts it."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(buffer).convert("RGB"))
