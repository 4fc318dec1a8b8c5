"""Damage of photographs: blur, earlier resizes, sensor noise and one or two JPEG saves.

The idea is Real-ESRGAN's second-order degradation (Wang et al., 2021), milder: what people upload
is rarely ruined twice. Every step keeps the picture's frame, so that LR and HR stay aligned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.nn import functional as F

from training.degradations import RgbImage, cleanup_level, jpeg

Kernel = npt.NDArray[np.float32]
FILTERS = (
    Image.Resampling.BICUBIC,
    Image.Resampling.BILINEAR,
    Image.Resampling.BOX,
    Image.Resampling.LANCZOS,
)
HARDLY_DAMAGED_PSNR = 38.0
"""The PSNR to the undamaged LR patch above which the HR patch is the better target."""


@dataclass(frozen=True, kw_only=True)
class WildDegradation:
    """Frequency and strength of each step; probabilities in [0, 1], lengths in LR pixels."""

    clean_probability: float = 0.2
    blur_probability: float = 0.85
    blur_sigma: tuple[float, float] = (0.25, 1.2)
    resize_probability: float = 0.5
    resize_factor: tuple[float, float] = (0.3, 0.9)
    early_noise_probability: float = 0.35
    early_jpeg_probability: float = 0.3
    second_blur_probability: float = 0.25
    noise_probability: float = 0.45
    noise_sigma: float = 25.0
    """The largest sigma of noise in grey levels; most are below half of it."""
    sharpen_probability: float = 0.1
    jpeg_probability: float = 0.6
    jpeg_quality: tuple[int, int] = (30, 95)
    unknown_jpeg_probability: float = 0.15
    """The share of results that end as a lossless file, so that no table tells the quality."""


@dataclass(frozen=True, kw_only=True)
class Damaged:
    """An LR patch (h, w, 3) uint8, its clean-up level, and whether it shows damage at all."""

    lr: RgbImage
    level: float
    is_damaged: bool


def degrade_wild(
    hr: RgbImage, degradation: WildDegradation, rng: np.random.Generator, *, scale: int
) -> Damaged:
    """(h * scale, w * scale, 3) uint8 -> the LR patch as a camera or a phone might have left it."""
    size = hr.shape[1] // scale, hr.shape[0] // scale
    clean = np.asarray(Image.fromarray(hr).resize(size, Image.Resampling.BICUBIC))
    if rng.random() < degradation.clean_probability:
        return Damaged(lr=clean, level=0.0, is_damaged=False)
    d = degradation
    picture = hr
    if rng.random() < d.blur_probability:
        picture = blur(picture, random_kernel(rng, sigma=_between(rng, d.blur_sigma) * scale))
    if rng.random() < d.resize_probability:
        factor = _between(rng, d.resize_factor)
        picture = _resize(
            picture, (round(size[0] * scale * factor), round(size[1] * scale * factor)), rng
        )
    if rng.random() < d.early_noise_probability:
        picture = add_noise(picture, rng, sigma=_noise_sigma(rng, d))
    if rng.random() < d.early_jpeg_probability:
        picture, _ = _save(picture, d, rng)
    if rng.random() < d.second_blur_probability:
        ratio = picture.shape[1] / size[0]
        picture = blur(picture, random_kernel(rng, sigma=_between(rng, d.blur_sigma) * ratio / 2))
    picture = _resize(picture, size, rng)
    if rng.random() < d.noise_probability:
        picture = add_noise(picture, rng, sigma=_noise_sigma(rng, d))
    if rng.random() < d.sharpen_probability:
        picture = sharpen(picture, rng)
    level = 0.0
    if rng.random() < d.jpeg_probability:
        picture, quality = _save(picture, d, rng)
        if rng.random() >= d.unknown_jpeg_probability:
            level = cleanup_level(quality)
    return Damaged(lr=picture, level=level, is_damaged=_psnr(picture, clean) < HARDLY_DAMAGED_PSNR)


def random_kernel(rng: np.random.Generator, *, sigma: float) -> Kernel:
    """Make a round, oblique, defocus or motion blur, about as wide as a Gaussian of `sigma`."""
    kind = rng.choice(["round", "oblique", "defocus", "motion"], p=[0.4, 0.35, 0.15, 0.1])
    radius = max(1, math.ceil(3 * sigma))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float32)
    angle = rng.uniform(0, math.pi)
    along, across = (
        x * math.cos(angle) + y * math.sin(angle),
        y * math.cos(angle) - x * math.sin(angle),
    )
    if kind == "defocus":
        kernel = np.clip(2 * sigma + 0.5 - np.hypot(x, y), 0, 1)
    elif kind == "motion":
        kernel = np.clip(2 * sigma + 0.5 - np.abs(along), 0, 1) * np.exp(-0.5 * (across / 0.6) ** 2)
    else:
        narrow = sigma if kind == "round" else sigma * rng.uniform(0.3, 1.0)
        power = rng.uniform(0.7, 1.6) if rng.random() < 0.3 else 1.0
        distance = (along / sigma) ** 2 + (across / max(narrow, 0.1)) ** 2
        kernel = np.exp(-0.5 * distance**power)
    return np.asarray(kernel / kernel.sum(), np.float32)


def blur(picture: RgbImage, kernel: Kernel) -> RgbImage:
    """(H, W, 3) uint8 filtered by an odd square kernel, mirrored at the border."""
    radius = kernel.shape[0] // 2
    planes = torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1)[None]
    padded = F.pad(planes, (radius,) * 4, mode="reflect")
    weights = torch.from_numpy(kernel).expand(3, 1, -1, -1).contiguous()
    return _to_bytes(F.conv2d(padded, weights, groups=3)[0].permute(1, 2, 0).numpy())


def add_noise(picture: RgbImage, rng: np.random.Generator, *, sigma: float) -> RgbImage:
    """Add noise, coloured or grey, even or growing with the light as a sensor's does."""
    height, width, channels = picture.shape
    is_gray = rng.random() < 0.4
    noise = rng.standard_normal((height, width, 1 if is_gray else channels), np.float32) * sigma
    if rng.random() < 0.5:
        noise = noise * np.sqrt(0.25 + picture / 128)
    return _to_bytes(picture + noise)


def sharpen(picture: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Sharpen by unsharp masking, as phones do before they save."""
    soft = blur(picture, random_kernel(rng, sigma=rng.uniform(0.6, 1.2))).astype(np.float32)
    return _to_bytes(picture + rng.uniform(0.2, 0.8) * (picture - soft))


def _between(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    return float(rng.uniform(*bounds))


def _noise_sigma(rng: np.random.Generator, degradation: WildDegradation) -> float:
    return float(1 + (degradation.noise_sigma - 1) * rng.beta(1.1, 3.0))


def _resize(picture: RgbImage, size: tuple[int, int], rng: np.random.Generator) -> RgbImage:
    return np.asarray(Image.fromarray(picture).resize(size, FILTERS[rng.integers(len(FILTERS))]))


def _save(
    picture: RgbImage, degradation: WildDegradation, rng: np.random.Generator
) -> tuple[RgbImage, int]:
    low, high = degradation.jpeg_quality
    quality = int(rng.integers(low, high + 1))
    subsampling = 2 if rng.random() < 0.8 else 0
    return jpeg(Image.fromarray(picture), quality=quality, subsampling=subsampling), quality


def _psnr(a: RgbImage, b: RgbImage) -> float:
    mse = float(np.mean((a.astype(np.float32) - b) ** 2))
    return math.inf if mse == 0 else 10 * math.log10(255**2 / mse)


def _to_bytes(levels: npt.NDArray[np.floating]) -> RgbImage:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
