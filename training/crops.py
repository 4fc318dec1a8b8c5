"""Damaged crops with the teacher's answers to them, kept in a folder: `training.teach` makes them.

A large teacher is slower than the network that learns from it, so each crop is used several times.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.data import PairSource, as_picture, as_target, augment, draw_place
from training.degradations import RgbImage
from training.device import autocast
from training.ruin import ruin
from training.wild import WildDegradation, degrade_wild

MARGIN = 8
"""LR pixels around a crop that are damaged and answered too, and then cut off."""
ANCHOR_SIGMA = 4.0
"""Width in LR pixels above which colour differences are taken from the input."""


@dataclass(frozen=True, kw_only=True)
class Crop:
    """One square: `lr` (s, s, 3), `hr` and `target` (s * scale, s * scale, 3), all uint8."""

    lr: RgbImage
    level: float
    hr: RgbImage
    target: RgbImage
    is_drawn: bool
    is_damaged: bool


@dataclass(frozen=True, kw_only=True)
class CropBatch:
    """Patches: `lr` (N, h, w, 3), `hr` and `target` (N, h * scale, …, 3) uint8, `level` (N,).

    `is_drawn` (N,) bool marks drawings and text, `is_damaged` (N,) bool crops whose damage shows.
    """

    lr: Tensor
    level: Tensor
    hr: Tensor
    target: Tensor
    is_drawn: Tensor
    is_damaged: Tensor

    @property
    def has_paper(self) -> Tensor:
        """(N,) bool: an undamaged drawing, whose plain places have one right answer."""
        return self.is_drawn & ~self.is_damaged


class Teach(Protocol):
    """(s, s, 3) uint8 -> the answer to learn, (s * scale, s * scale, 3) uint8."""

    def __call__(self, lr: RgbImage) -> RgbImage: ...


class CropSource:
    """A source of crops of `side` LR pixels, which it damages and gives to the teacher.

    `ruined_share` of the photographs' crops are damaged strongly (see `training.ruin`). The target
    of crops that are drawn or hardly damaged is the real HR: a teacher's answer would only teach
    its habits. It is the real HR for `true_share` of the others too, which need no teacher then.
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
        ruined_share: float = 0.0,
        true_share: float = 0.0,
    ) -> None:
        self._pairs = pairs
        self._ruined_share = ruined_share
        self._true_share = true_share
        self._degradation = degradation
        self._drawn_degradation = drawn_degradation
        self._teach = teach
        self._scale = scale
        self._side = side

    def draw(self, rng: np.random.Generator) -> Crop:
        """Draw a new crop."""
        scale, side = self._scale, self._side + 2 * MARGIN
        pair = self._pairs.draw(rng, at_least=side)
        top, left = draw_place(pair, rng, side=side)
        hr = pair.hr[top * scale : (top + side) * scale, left * scale : (left + side) * scale]
        if not pair.is_drawn and rng.random() < self._ruined_share:
            damaged = ruin(hr, rng, scale=scale)
        else:
            degradation = self._drawn_degradation if pair.is_drawn else self._degradation
            damaged = degrade_wild(hr, degradation, rng, scale=scale)
        is_taught = damaged.is_damaged and not pair.is_drawn and rng.random() >= self._true_share
        target = self._teach(damaged.lr) if is_taught else hr
        return Crop(
            lr=_without(damaged.lr, MARGIN),
            level=damaged.level,
            hr=_without(hr, MARGIN * scale),
            target=_without(target, MARGIN * scale),
            is_drawn=pair.is_drawn,
            is_damaged=damaged.is_damaged,
        )


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The common facts of a folder's crops."""

    teacher: str
    scale: int


class CropFolder:
    """Crops as files, which one process may write while another draws patches from them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __len__(self) -> int:
        return len(self._files())

    def begin(self, origin: Origin) -> None:
        """Make the folder, or continue it; raise ValueError if its crops have another origin."""
        self._path.mkdir(parents=True, exist_ok=True)
        if self._origin_file.exists() and self.origin() != origin:
            raise ValueError(f"the crops in {self._path} were answered by another teacher")
        self._origin_file.write_text(json.dumps(asdict(origin)))

    def origin(self) -> Origin:
        """Raise FileNotFoundError if no crops were begun."""
        return Origin(**json.loads(self._origin_file.read_text()))

    def add(self, crop: Crop) -> None:
        """Add a crop under the next number; a reader sees all of it or nothing."""
        file = self._path / f"{len(self):06}.npz"
        with file.with_suffix(".new").open("wb") as written:
            np.savez(written, **asdict(crop))
        file.with_suffix(".new").replace(file)

    def batch(self, rng: np.random.Generator, *, size: int, patch: int) -> CropBatch:
        """Draw `size` patches of `patch` LR pixels a side from different crops; ValueError for
        fewer.
        """
        files = self._files()
        if len(files) < size:
            raise ValueError(f"{self._path} holds {len(files)} crops, a batch needs {size}")
        crops = [self._read(files[i]) for i in rng.choice(len(files), size, replace=False)]
        parts = [cut(crop, rng, patch=patch) for crop in crops]
        lr, hr, target = (torch.from_numpy(np.stack(each)) for each in zip(*parts, strict=True))
        level = torch.tensor([crop.level for crop in crops], dtype=torch.float32)
        return CropBatch(
            lr=lr,
            level=level,
            hr=hr,
            target=target,
            is_drawn=torch.tensor([crop.is_drawn for crop in crops]),
            is_damaged=torch.tensor([crop.is_damaged for crop in crops]),
        )

    @property
    def _origin_file(self) -> Path:
        return self._path / "origin.json"

    def _files(self) -> list[Path]:
        return sorted(self._path.glob("*.npz"))

    @staticmethod
    def _read(file: Path) -> Crop:
        with np.load(file) as saved:
            return Crop(
                lr=saved["lr"],
                level=float(saved["level"]),
                hr=saved["hr"],
                target=saved["target"],
                is_drawn=bool(saved["is_drawn"]),
                is_damaged=bool(saved["is_damaged"]),
            )


def cut(crop: Crop, rng: np.random.Generator, *, patch: int) -> list[RgbImage]:
    """Draw (lr, hr, target) of a random square, turned or mirrored at random."""
    side = crop.lr.shape[0]
    scale = crop.hr.shape[0] // side
    top, left = rng.integers(0, side - patch + 1, 2).tolist()
    hr_box = (
        slice(top * scale, (top + patch) * scale),
        slice(left * scale, (left + patch) * scale),
    )
    lr = crop.lr[top : top + patch, left : left + patch]
    return augment((lr, crop.hr[hr_box], crop.target[hr_box]), rng)


class AnchoredTeacher:
    """A teacher whose answers get the input's colours, by adding the enlarged difference.

    Squares of `reduction` pixels of the answer are averaged, so that a teacher of x4 can teach x2.
    """

    def __init__(self, network: nn.Module, *, device: torch.device, reduction: int = 1) -> None:
        self._network = network.to(device, memory_format=torch.channels_last)
        self._device = device
        self._reduction = reduction

    @torch.no_grad()
    def __call__(self, lr: RgbImage) -> RgbImage:
        batch = as_target(torch.from_numpy(lr[None].copy())).to(self._device)
        batch = batch.contiguous(memory_format=torch.channels_last)
        with autocast():
            answer = self._network(batch).float().clamp(0, 1)
        answer = (answer + anchor(answer, batch)).clamp(0, 1)
        return as_picture(F.avg_pool2d(answer, self._reduction))


def anchor(answer: Tensor, lr: Tensor) -> Tensor:
    """Return the difference that gives (N, 3, H * scale, …) the low frequencies of (N, 3, H, W)."""
    scale = answer.shape[-1] // lr.shape[-1]
    difference = lr - F.avg_pool2d(answer, scale)
    wide = gaussian_blur(difference, sigma=ANCHOR_SIGMA)
    return F.interpolate(wide, scale_factor=scale, mode="bilinear", align_corners=False)


def gaussian_blur(batch: Tensor, *, sigma: float) -> Tensor:
    """Blur (N, C, H, W), the border continued by its own pixels."""
    radius = round(2.5 * sigma)
    at = torch.arange(-radius, radius + 1, device=batch.device, dtype=batch.dtype)
    window = torch.exp(-0.5 * (at / sigma) ** 2)
    window = (window / window.sum()).view(1, 1, 1, -1).expand(batch.shape[1], 1, 1, -1)
    padded = F.pad(batch, (radius,) * 4, mode="replicate")
    rows = F.conv2d(padded, window, groups=batch.shape[1])
    return F.conv2d(rows, window.transpose(2, 3), groups=batch.shape[1])


def _without(picture: RgbImage, margin: int) -> npt.NDArray[np.uint8]:
    return picture[margin:-margin, margin:-margin]
