"""A rolling pool of damaged crops and the teacher's answers to them, each used several times."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.data import PairSource, as_picture, as_target, augment, draw_place
from training.degradations import RgbImage
from training.device import autocast
from training.wild import WildDegradation, degrade_wild

MARGIN = 4
"""LR pixels around a crop that are damaged with it and cut off again."""
ANCHOR_SIGMA = 4.0
"""In LR pixels: differences in colour that are wider than this are taken from the input."""


@dataclass(frozen=True, kw_only=True)
class Crop:
    """One square: `lr` (s, s, 3), `hr` and `target` (s * scale, s * scale, 3), all uint8."""

    lr: RgbImage
    level: float
    hr: RgbImage
    target: RgbImage
    is_drawn: bool


@dataclass(frozen=True, kw_only=True)
class PoolBatch:
    """Patches: `lr` (N, h, w, 3), `hr` and `target` (N, h * scale, …, 3) uint8, `level` (N,).

    `is_drawn` (N,) bool tells drawings and text from photographs.
    """

    lr: Tensor
    level: Tensor
    hr: Tensor
    target: Tensor
    is_drawn: Tensor


class Teach(Protocol):
    """(s, s, 3) uint8 -> the answer to learn, (s * scale, s * scale, 3) uint8."""

    def __call__(self, lr: RgbImage) -> RgbImage: ...


class CropSource:
    """Draws crops of `side` LR pixels, damages them and asks the teacher.

    Where the input is hardly damaged, or drawn, the real HR is the target: a teacher's answer
    would only teach its habits.
    """

    def __init__(
        self,
        pairs: PairSource,
        degradation: WildDegradation,
        drawn_degradation: WildDegradation,
        teach: Teach,
        *,
        scale: int,
        side: int,
    ) -> None:
        self._pairs = pairs
        self._degradation = degradation
        self._drawn_degradation = drawn_degradation
        self._teach = teach
        self._scale = scale
        self._side = side

    def draw(self, rng: np.random.Generator) -> Crop:
        """A new one."""
        scale, side = self._scale, self._side + 2 * MARGIN
        pair = self._pairs.draw(rng, at_least=side)
        top, left = draw_place(pair, rng, side=side)
        hr = pair.hr[top * scale : (top + side) * scale, left * scale : (left + side) * scale]
        degradation = self._drawn_degradation if pair.is_drawn else self._degradation
        damaged = degrade_wild(hr, degradation, rng, scale=scale)
        lr, hr = _without(damaged.lr, MARGIN), _without(hr, MARGIN * scale)
        is_taught = damaged.is_damaged and not pair.is_drawn
        target = self._teach(lr) if is_taught else hr
        lr, hr, target = (np.ascontiguousarray(each) for each in augment((lr, hr, target), rng))
        return Crop(lr=lr, level=damaged.level, hr=hr, target=target, is_drawn=pair.is_drawn)


class RollingPool:
    """Holds `size` crops; every batch brings `fresh` new ones, and the oldest go."""

    def __init__(self, source: CropSource, *, size: int, fresh: int, seed: int) -> None:
        self._source = source
        self._fresh = fresh
        self._rng = np.random.default_rng(seed)
        self._crops: deque[Crop] = deque(maxlen=size)

    def batch(self, *, size: int, patch: int) -> PoolBatch:
        """`size` patches of `patch` LR pixels a side, of different crops."""
        wanted = max(self._fresh, size - len(self._crops))
        self._crops.extend(self._source.draw(self._rng) for _ in range(wanted))
        chosen = self._rng.choice(len(self._crops), size, replace=False)
        parts = [self._cut(self._crops[i], patch) for i in chosen]
        lr, hr, target = (torch.from_numpy(np.stack(each)) for each in zip(*parts, strict=True))
        level = torch.tensor([self._crops[i].level for i in chosen], dtype=torch.float32)
        is_drawn = torch.tensor([self._crops[i].is_drawn for i in chosen])
        return PoolBatch(lr=lr, level=level, hr=hr, target=target, is_drawn=is_drawn)

    def _cut(self, crop: Crop, patch: int) -> list[RgbImage]:
        side = crop.lr.shape[0]
        scale = crop.hr.shape[0] // side
        top, left = self._rng.integers(0, side - patch + 1, 2).tolist()
        hr_box = (
            slice(top * scale, (top + patch) * scale),
            slice(left * scale, (left + patch) * scale),
        )
        lr = crop.lr[top : top + patch, left : left + patch]
        return augment((lr, crop.hr[hr_box], crop.target[hr_box]), self._rng)


class AnchoredTeacher:
    """A teacher whose colours are the input's: what its answer, made small, lacks is added back."""

    def __init__(self, network: nn.Module, *, device: torch.device) -> None:
        self._network = network.to(device, memory_format=torch.channels_last)
        self._device = device

    @torch.no_grad()
    def __call__(self, lr: RgbImage) -> RgbImage:
        batch = as_target(torch.from_numpy(lr[None].copy())).to(self._device)
        batch = batch.contiguous(memory_format=torch.channels_last)
        with autocast():
            answer = self._network(batch).float().clamp(0, 1)
        answer = (answer + anchor(answer, batch)).clamp(0, 1)
        return as_picture(answer)


def anchor(answer: Tensor, lr: Tensor) -> Tensor:
    """What to add to (N, 3, H * scale, …) so that its wide colours are those of (N, 3, H, W)."""
    scale = answer.shape[-1] // lr.shape[-1]
    difference = lr - F.avg_pool2d(answer, scale)
    wide = gaussian_blur(difference, sigma=ANCHOR_SIGMA)
    return F.interpolate(wide, scale_factor=scale, mode="bilinear", align_corners=False)


def gaussian_blur(batch: Tensor, *, sigma: float) -> Tensor:
    """(N, C, H, W), the border continued by its own pixels."""
    radius = round(2.5 * sigma)
    at = torch.arange(-radius, radius + 1, device=batch.device, dtype=batch.dtype)
    window = torch.exp(-0.5 * (at / sigma) ** 2)
    window = (window / window.sum()).view(1, 1, 1, -1).expand(batch.shape[1], 1, 1, -1)
    padded = F.pad(batch, (radius,) * 4, mode="replicate")
    rows = F.conv2d(padded, window, groups=batch.shape[1])
    return F.conv2d(rows, window.transpose(2, 3), groups=batch.shape[1])


def _without(picture: RgbImage, margin: int) -> npt.NDArray[np.uint8]:
    return picture[margin:-margin, margin:-margin]
