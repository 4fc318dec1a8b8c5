"""Pictures from folders as aligned LR and HR patches."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from training.degradations import Degradation, RgbImage, degrade

Batch = tuple[Tensor, Tensor, Tensor]
"""`lr` (N, h, w, 3) uint8, clean-up `level` (N,) float32 and `hr` (N, h * scale, …, 3) uint8."""
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
BLOCK = 8
"""Side of a JPEG block: patches are damaged with this margin, so the block grid falls anywhere."""
PLACES = 2
"""Of this many random places in a picture the one with most detail is taken."""
LARGE_SIDE = 1200
"""Pictures at least this long are used at half size: full size is too soft to teach."""
REDUCTIONS = Image.Resampling.BICUBIC, Image.Resampling.BILINEAR
"""How they are halved, by turns; a sharper filter, Lanczos, teaches networks to oversharpen."""


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
    """Every picture, the large ones at half size."""
    pairs = []
    for path, reduction in zip(files, cycle(REDUCTIONS), strict=False):
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        if max(image.size) >= LARGE_SIDE:
            image = image.resize((image.width // 2, image.height // 2), reduction)
        pairs.append(make_pair(image, scale=scale))
    return pairs


def middle(pair: Pair, *, side: int) -> Pair:
    """The pair's middle, at most `side` LR pixels in either direction."""
    height, width = pair.lr.shape[:2]
    scale = pair.hr.shape[0] // height
    top, left = max(0, height - side) // 2, max(0, width - side) // 2
    lr = pair.lr[top : top + side, left : left + side]
    hr = pair.hr[top * scale : (top + side) * scale, left * scale : (left + side) * scale]
    return Pair(lr, hr)


def detail(lr: RgbImage) -> float:
    """Mean step between neighbouring pixels: near 0 for a clear sky."""
    green = lr[..., 1].astype(np.int16)
    return float(np.abs(np.diff(green, axis=0)).mean() + np.abs(np.diff(green, axis=1)).mean())


class PatchSource:
    """Draws random patches from groups of pictures; each group has its share of the patches."""

    def __init__(
        self,
        groups: Sequence[tuple[float, list[Pair]]],
        *,
        scale: int,
        degradation: Degradation,
    ) -> None:
        self._scale = scale
        self._degradation = degradation
        self._pairs = [pair for _, pairs in groups for pair in pairs]
        weights = []
        for share, pairs in groups:
            sides = np.sqrt([pair.lr.shape[0] * pair.lr.shape[1] for pair in pairs])
            weights.append(share * sides / sides.sum())
        self._weights = np.concatenate(weights) / sum(share for share, _ in groups)
        self._cumulative = np.cumsum(self._weights)

    def batch(self, rng: np.random.Generator, *, size: int, patch: int) -> Batch:
        """`size` patches of `patch` LR pixels a side."""
        side = patch * self._scale
        lr = np.empty((size, patch, patch, 3), np.uint8)
        hr = np.empty((size, side, side, 3), np.uint8)
        level = np.empty(size, np.float32)
        for i in range(size):
            lr[i], hr[i], level[i] = self._patch(rng, patch)
        return torch.from_numpy(lr), torch.from_numpy(level), torch.from_numpy(hr)

    def _patch(self, rng: np.random.Generator, patch: int) -> tuple[RgbImage, RgbImage, float]:
        scale = self._scale
        pair = self._pairs[
            min(np.searchsorted(self._cumulative, rng.random()), len(self._pairs) - 1)
        ]
        height, width = pair.lr.shape[:2]
        if min(height, width) < patch:
            return self._patch(rng, patch)
        places = rng.integers(0, (height - patch + 1, width - patch + 1), (PLACES, 2)).tolist()
        y, x = max(places, key=lambda at: detail(pair.lr[at[0] :, at[1] :][:patch, :patch]))
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


class Batches(IterableDataset[Batch]):
    """Endless batches for a DataLoader; every worker draws its own."""

    def __init__(self, source: PatchSource, *, size: int, patch: int, seed: Sequence[int]) -> None:
        self._source = source
        self._size = size
        self._patch = patch
        self._seed = seed

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        rng = np.random.default_rng([*self._seed, worker.id if worker else 0])
        while True:
            yield self._source.batch(rng, size=self._size, patch=self._patch)


def as_input(lr: Tensor, level: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 and (N,) clean-up levels -> the network's (N, 4, H, W) float input."""
    colour = as_target(lr)
    plane = level.view(-1, 1, 1, 1).expand(-1, 1, *colour.shape[2:])
    return torch.cat([colour, plane], dim=1)


def as_target(hr: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) float in [0, 1]."""
    return hr.permute(0, 3, 1, 2).float() / 255
