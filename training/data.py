"""Pictures from folders as aligned LR and HR patches."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from training.degradations import Degradation, degrade

RgbImage = npt.NDArray[np.uint8]
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
BLOCK = 8
"""Side of a JPEG block: patches are damaged with this margin, so the block grid falls anywhere."""
LARGE_SIDE = 1200
"""Pictures at least this long are also used at half size, where their pixels are sharper."""


@dataclass(frozen=True)
class Pair:
    """One picture: `lr` (h, w, 3) and `hr` (h * scale, w * scale, 3), uint8."""

    lr: RgbImage
    hr: RgbImage


def picture_files(folder: Path) -> list[Path]:
    """The folder's pictures in name order; ValueError when there is none."""
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not files:
        raise ValueError(f"no pictures in {folder}")
    return files


def is_held_out(path: Path) -> bool:
    """One picture in fifty is kept for validation, chosen by its name alone."""
    return zlib.crc32(path.name.encode()) % 50 == 0


def make_pair(image: Image.Image, *, scale: int) -> Pair:
    """LR by Pillow's antialiased bicubic, from a picture cropped to a multiple of the scale."""
    width, height = (side - side % scale for side in image.size)
    hr = image.convert("RGB").crop((0, 0, width, height))
    lr = hr.resize((width // scale, height // scale), Image.Resampling.BICUBIC)
    return Pair(np.asarray(lr), np.asarray(hr))


def load_pairs(files: Sequence[Path], *, scale: int) -> list[Pair]:
    """Every picture, and the large ones a second time at half size."""
    pairs = []
    for path in files:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        pairs.append(make_pair(image, scale=scale))
        if max(image.size) >= LARGE_SIDE:
            half = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
            pairs.append(make_pair(half, scale=scale))
    return pairs


class PatchSource:
    """Draws random batches from groups of pictures; each group has its share of the patches."""

    def __init__(
        self,
        groups: Sequence[tuple[float, list[Pair]]],
        *,
        scale: int,
        degradation: Degradation,
        seed: int,
    ) -> None:
        self._scale = scale
        self._degradation = degradation
        self._rng = np.random.default_rng(seed)
        self._pairs = [pair for _, pairs in groups for pair in pairs]
        weights = []
        for share, pairs in groups:
            sides = np.sqrt([pair.lr.shape[0] * pair.lr.shape[1] for pair in pairs])
            weights.append(share * sides / sides.sum())
        self._weights = np.concatenate(weights) / sum(share for share, _ in groups)
        self._cumulative = np.cumsum(self._weights)

    def batch(self, *, size: int, patch: int) -> tuple[Tensor, Tensor]:
        """(size, 4, patch, patch) input and (size, 3, patch * scale, …) target, in [0, 1]."""
        side = patch * self._scale
        lr = np.empty((size, patch, patch, 3), np.uint8)
        hr = np.empty((size, side, side, 3), np.uint8)
        level = np.empty(size, np.float32)
        for i in range(size):
            lr[i], hr[i], level[i] = self._patch(patch)
        return as_input(lr, level), torch.from_numpy(hr).permute(0, 3, 1, 2).float() / 255

    def _patch(self, patch: int) -> tuple[RgbImage, RgbImage, float]:
        rng, scale = self._rng, self._scale
        pair = self._pairs[
            min(np.searchsorted(self._cumulative, rng.random()), len(self._pairs) - 1)
        ]
        height, width = pair.lr.shape[:2]
        if min(height, width) < patch:
            return self._patch(patch)
        y = int(rng.integers(0, height - patch + 1))
        x = int(rng.integers(0, width - patch + 1))
        top, left = max(0, y - int(rng.integers(0, BLOCK))), max(0, x - int(rng.integers(0, BLOCK)))
        around = pair.lr[top : y + patch + BLOCK, left : x + patch + BLOCK]
        damaged, level = degrade(around, self._degradation, rng)
        lr = damaged[y - top : y - top + patch, x - left : x - left + patch]
        hr = pair.hr[y * scale : (y + patch) * scale, x * scale : (x + patch) * scale]
        flip_y, flip_x, turn = rng.random(3) < 0.5
        for flip, axis in ((flip_y, 0), (flip_x, 1)):
            if flip:
                lr, hr = np.flip(lr, axis), np.flip(hr, axis)
        if turn:
            lr, hr = lr.swapaxes(0, 1), hr.swapaxes(0, 1)
        return lr, hr, level

    def state(self) -> dict[str, object]:
        """The random state, for a checkpoint."""
        return dict(self._rng.bit_generator.state)

    def restore(self, state: dict[str, object]) -> None:
        """Go on where `state()` was taken."""
        self._rng.bit_generator.state = state


def as_input(lr: RgbImage, level: npt.NDArray[np.float32]) -> Tensor:
    """(N, H, W, 3) uint8 and (N,) clean-up levels -> the network's (N, 4, H, W) float input."""
    colour = torch.from_numpy(lr).permute(0, 3, 1, 2).float() / 255
    plane = torch.from_numpy(level).view(-1, 1, 1, 1).expand(-1, 1, *colour.shape[2:])
    return torch.cat([colour, plane], dim=1)
