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
from training.patterns import draw_pattern, enlarged
from training.renders import render_pictures
from training.wild import WildDegradation, degrade_wild

Batch = tuple[Tensor, Tensor, Tensor]
"""`lr` (N, h, w, 3) uint8, clean-up `level` (N,) float32 and `hr` (N, h * scale, …, 3) uint8."""
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
BLOCK = 8
"""Side of a JPEG block: patches are damaged with this margin, so the block grid falls anywhere."""
PLACES = 2
"""Number of random places in a picture, of which the most detailed is taken."""
LARGE_SIDE = 1200
"""Pictures at least this long are used at half size: full size is too soft to teach."""
HELD_OUT_SIDE = 160
"""The side in LR pixels of the part of a held-out picture that is judged."""
REDUCTIONS = Image.Resampling.BICUBIC, Image.Resampling.BILINEAR
"""The filters that halve large pictures, in turn; sharper Lanczos teaches oversharpening."""


@dataclass(frozen=True)
class Pair:
    """One picture: `lr` (h, w, 3) and `hr` (h * scale, w * scale, 3), uint8."""

    lr: RgbImage
    hr: RgbImage
    is_drawn: bool = False
    """True for a drawing or rendered text: strokes and plain areas have one right answer."""


def picture_files(folder: Path) -> list[Path]:
    """Return the folder's pictures in name order; raise ValueError if there is none."""
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not files:
        raise ValueError(f"no pictures in {folder}")
    return files


def is_held_out(path: Path) -> bool:
    """Return whether the picture is kept for validation: one in fifty, chosen by its name alone."""
    return zlib.crc32(path.name.encode()) % 50 == 0


def make_pair(image: Image.Image, *, scale: int, is_drawn: bool = False) -> Pair:
    """Crop a picture to a multiple of the scale and reduce it by Pillow's antialiased bicubic."""
    width, height = (side - side % scale for side in image.size)
    hr = image.convert("RGB").crop((0, 0, width, height))
    lr = hr.resize((width // scale, height // scale), Image.Resampling.BICUBIC)
    return Pair(np.asarray(lr), np.asarray(hr), is_drawn)


def load_pairs(files: Sequence[Path], *, scale: int, is_drawn: bool = False) -> list[Pair]:
    """Load every picture, the large ones at half size."""
    pairs = []
    for path, reduction in zip(files, cycle(REDUCTIONS), strict=False):
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        if max(image.size) >= LARGE_SIDE:
            image = image.resize((image.width // 2, image.height // 2), reduction)
        pairs.append(make_pair(image, scale=scale, is_drawn=is_drawn))
    return pairs


def load_groups(
    photographs: Path,
    drawings: Path | None,
    *,
    scale: int,
    art_share: float,
    rendered_share: float,
    seed: int,
) -> list[tuple[float, list[Pair]]]:
    """Load the training pictures, with each kind's share: photographs, drawings, rendered text."""
    files = [f for f in picture_files(photographs) if not is_held_out(f)]
    groups = [
        (1 - art_share - rendered_share, load_pairs(files, scale=scale)),
        (
            rendered_share,
            [make_pair(each, scale=scale, is_drawn=True) for each in render_pictures(seed=seed)],
        ),
    ]
    if drawings is not None:
        drawn = load_pairs(picture_files(drawings), scale=scale, is_drawn=True)
        groups.append((art_share, drawn))
    return groups


def load_held_out(photographs: Path, *, scale: int) -> list[Pair]:
    """Load the middles of the photographs that are never trained on."""
    files = [f for f in picture_files(photographs) if is_held_out(f)]
    return [middle(pair, side=HELD_OUT_SIDE) for pair in load_pairs(files, scale=scale)]


def middle(pair: Pair, *, side: int) -> Pair:
    """Return the pair's middle, at most `side` LR pixels in either direction."""
    height, width = pair.lr.shape[:2]
    scale = pair.hr.shape[0] // height
    top, left = max(0, height - side) // 2, max(0, width - side) // 2
    lr = pair.lr[top : top + side, left : left + side]
    hr = pair.hr[top * scale : (top + side) * scale, left * scale : (left + side) * scale]
    return Pair(lr, hr)


def detail(lr: RgbImage) -> float:
    """Return the mean difference between neighbouring pixels, which is near 0 for a clear sky."""
    green = lr[..., 1].astype(np.int16)
    return float(np.abs(np.diff(green, axis=0)).mean() + np.abs(np.diff(green, axis=1)).mean())


def augment(pictures: Sequence[RgbImage], rng: np.random.Generator) -> list[RgbImage]:
    """Flip and transpose all of them in the same one of eight ways."""
    flip_y, flip_x, turn = rng.random(3) < 0.5
    steps = (-1 if flip_y else 1), (-1 if flip_x else 1)
    flipped = [picture[:: steps[0], :: steps[1]] for picture in pictures]
    return [picture.swapaxes(0, 1) for picture in flipped] if turn else flipped


class PairSource:
    """Draws pictures at random from groups; each group has its share of the draws."""

    def __init__(self, groups: Sequence[tuple[float, list[Pair]]]) -> None:
        self._pairs = [pair for _, pairs in groups for pair in pairs]
        weights = []
        for share, pairs in groups:
            sides = np.sqrt([pair.lr.shape[0] * pair.lr.shape[1] for pair in pairs])
            weights.append(share * sides / sides.sum())
        self._cumulative = np.cumsum(np.concatenate(weights) / sum(share for share, _ in groups))

    def draw(self, rng: np.random.Generator, *, at_least: int) -> Pair:
        """Draw a picture of at least so many LR pixels a side; raise ValueError if none is."""
        if not any(min(pair.lr.shape[:2]) >= at_least for pair in self._pairs):
            raise ValueError(f"every picture is smaller than {at_least} pixels once reduced")
        while True:
            index = min(int(np.searchsorted(self._cumulative, rng.random())), len(self._pairs) - 1)
            pair = self._pairs[index]
            if min(pair.lr.shape[:2]) >= at_least:
                return pair


def draw_place(pair: Pair, rng: np.random.Generator, *, side: int) -> tuple[int, int]:
    """Return (top, left) in LR pixels of the most detailed of `PLACES` random squares."""
    height, width = pair.lr.shape[:2]
    places = rng.integers(0, (height - side + 1, width - side + 1), (PLACES, 2)).tolist()
    top, left = max(places, key=lambda at: detail(pair.lr[at[0] :, at[1] :][:side, :side]))
    return top, left


class PatchSource:
    """Draws random patches from groups of pictures; each group has its share of the patches.

    `wild_share` of the photographs' patches are damaged by `wild`, as `photo`'s are, and
    `pattern_share` become patterns (see `training.patterns`).
    """

    def __init__(
        self,
        groups: Sequence[tuple[float, list[Pair]]],
        *,
        scale: int,
        degradation: Degradation,
        wild: WildDegradation,
        wild_share: float,
        pattern_share: float = 0.0,
    ) -> None:
        self._scale = scale
        self._pattern_share = pattern_share
        self._degradation = degradation
        self._wild = wild
        self._wild_share = wild_share
        self._source = PairSource(groups)

    def batch(self, rng: np.random.Generator, *, size: int, patch: int) -> Batch:
        """Draw `size` patches of `patch` LR pixels a side."""
        side = patch * self._scale
        lr = np.empty((size, patch, patch, 3), np.uint8)
        hr = np.empty((size, side, side, 3), np.uint8)
        level = np.empty(size, np.float32)
        for i in range(size):
            lr[i], hr[i], level[i] = self._patch(rng, patch)
        return torch.from_numpy(lr), torch.from_numpy(level), torch.from_numpy(hr)

    def _patch(self, rng: np.random.Generator, patch: int) -> tuple[RgbImage, RgbImage, float]:
        scale = self._scale
        pair = self._source.draw(rng, at_least=patch)
        y, x = draw_place(pair, rng, side=patch)
        top, left = max(0, y - int(rng.integers(0, BLOCK))), max(0, x - int(rng.integers(0, BLOCK)))
        bottom, right = y + patch + BLOCK, x + patch + BLOCK
        if not pair.is_drawn and rng.random() < self._pattern_share:
            pattern = draw_pattern(pair.lr[top:bottom, left:right], rng)
            inside = slice(y - top, y - top + patch), slice(x - left, x - left + patch)
            wide = (
                slice(inside[0].start * scale, inside[0].stop * scale),
                slice(inside[1].start * scale, inside[1].stop * scale),
            )
            return pattern[inside], enlarged(pattern, scale=scale)[wide], 0.0
        if not pair.is_drawn and rng.random() < self._wild_share:
            around = pair.hr[top * scale : bottom * scale, left * scale : right * scale]
            wild = degrade_wild(around, self._wild, rng, scale=scale)
            damaged, level = wild.lr, wild.level
        else:
            damaged, level = degrade(pair.lr[top:bottom, left:right], self._degradation, rng)
        lr = damaged[y - top : y - top + patch, x - left : x - left + patch]
        hr = pair.hr[y * scale : (y + patch) * scale, x * scale : (x + patch) * scale]
        lr, hr = augment((lr, hr), rng)
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
    """Convert (N, H, W, 3) uint8 and (N,) levels to the network's (N, 4, H, W) float input."""
    colour = as_target(lr)
    plane = level.view(-1, 1, 1, 1).expand(-1, 1, *colour.shape[2:])
    return torch.cat([colour, plane], dim=1)


def as_target(hr: Tensor) -> Tensor:
    """Convert (N, H, W, 3) uint8 to (N, 3, H, W) float in [0, 1]."""
    return hr.permute(0, 3, 1, 2).float() / 255


def as_picture(sr: Tensor) -> RgbImage:
    """Round the first of (N, 3, H, W) in [0, 1] to (H, W, 3) uint8."""
    return np.asarray(sr[0].permute(1, 2, 0).mul(255).round().byte().cpu().numpy())
