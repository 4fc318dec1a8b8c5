"""Held-out pictures as inputs of a network: clean, or damaged in the same way each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.data import Pair, as_input
from training.degradations import RgbImage
from training.wild import WildDegradation, degrade_wild

SEED = 7


@dataclass(frozen=True, kw_only=True)
class Case:
    """`lr` (h, w, 3) uint8 with its clean-up level, and the true `hr` (h * scale, w * scale, 3)."""

    lr: RgbImage
    level: float
    hr: RgbImage

    def as_batch(self, device: torch.device) -> Tensor:
        """Return the network's (1, 4, h, w) input."""
        level = torch.tensor([self.level], dtype=torch.float32, device=device)
        return as_input(torch.tensor(self.lr[None], device=device), level)


def clean_cases(pairs: Sequence[Pair]) -> list[Case]:
    """Return each pair undamaged."""
    return [Case(lr=pair.lr, level=0.0, hr=pair.hr) for pair in pairs]


def damaged_cases(
    pairs: Sequence[Pair], degradation: WildDegradation, *, scale: int, times: int = 1
) -> list[Case]:
    """Damage each pair's HR `times` times."""
    rng = np.random.default_rng(SEED)
    cases = []
    for pair in pairs:
        for _ in range(times):
            damaged = degrade_wild(pair.hr, degradation, rng, scale=scale)
            cases.append(Case(lr=damaged.lr, level=damaged.level, hr=pair.hr))
    return cases
