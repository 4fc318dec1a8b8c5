"""Patches, targets and anchored teachers as they reach the losses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from training.data import PairSource, make_pair
from training.pool import AnchoredTeacher, CropSource, RollingPool
from training.wild import WildDegradation


class Enlarger(nn.Module):
    """Bicubic, and redder than its input: a teacher with a habit."""

    def forward(self, lr: Tensor) -> Tensor:
        sr = F.interpolate(lr, scale_factor=4, mode="bicubic", align_corners=False)
        return sr + torch.tensor([0.08, 0.0, -0.04]).view(1, 3, 1, 1)


@pytest.fixture
def pairs(photo: Image.Image) -> PairSource:
    large = photo.resize((384, 256), Image.Resampling.BICUBIC)
    return PairSource([(1.0, [make_pair(large, scale=4)])])


def pool_from(pairs: PairSource, degradation: WildDegradation) -> RollingPool:
    teacher = AnchoredTeacher(Enlarger(), device=torch.device("cpu"))
    source = CropSource(pairs, degradation, degradation, teacher, scale=4, side=32)
    return RollingPool(source, size=6, fresh=1, seed=4)


def test_patches_have_their_sizes(pairs: PairSource) -> None:
    batch = pool_from(pairs, WildDegradation()).batch(size=3, patch=16)
    assert batch.lr.shape == (3, 16, 16, 3)
    assert batch.hr.shape == batch.target.shape == (3, 64, 64, 3)
    assert batch.level.shape == (3,)


def test_a_clean_patch_is_taught_by_the_true_picture(pairs: PairSource) -> None:
    batch = pool_from(pairs, WildDegradation(clean_probability=1)).batch(size=3, patch=16)
    assert torch.equal(batch.target, batch.hr)


def test_a_damaged_patch_is_taught_by_the_teacher(pairs: PairSource) -> None:
    noisy = WildDegradation(clean_probability=0, blur_probability=1, blur_sigma=(1.0, 1.1))
    batch = pool_from(pairs, noisy).batch(size=3, patch=16)
    assert not torch.equal(batch.target, batch.hr)
    assert not batch.is_drawn.any()


def test_a_damaged_drawing_is_taught_by_itself(photo: Image.Image) -> None:
    large = photo.resize((384, 256), Image.Resampling.BICUBIC)
    drawn = PairSource([(1.0, [make_pair(large, scale=4, is_drawn=True)])])
    noisy = WildDegradation(clean_probability=0, blur_probability=1, blur_sigma=(1.0, 1.1))
    batch = pool_from(drawn, noisy).batch(size=3, patch=16)
    assert torch.equal(batch.target, batch.hr)
    assert batch.is_drawn.all()


def test_a_patch_and_its_target_lie_on_one_another(pairs: PairSource) -> None:
    batch = pool_from(pairs, WildDegradation(clean_probability=1)).batch(size=6, patch=16)
    small = F.avg_pool2d(batch.hr.permute(0, 3, 1, 2).float(), 4)
    difference = (small - batch.lr.permute(0, 3, 1, 2).float()).abs().mean()
    mirrored = (small.flip(3) - batch.lr.permute(0, 3, 1, 2).float()).abs().mean()
    assert difference < 4 < mirrored


def test_the_pool_forgets_the_oldest(pairs: PairSource) -> None:
    pool = pool_from(pairs, WildDegradation())
    for _ in range(10):
        pool.batch(size=2, patch=16)
    assert len(pool._crops) == 6


def test_an_anchored_teacher_keeps_the_colours_of_its_input(photo: Image.Image) -> None:
    lr = np.asarray(photo)
    answer = AnchoredTeacher(Enlarger(), device=torch.device("cpu"))(lr)
    assert answer.shape == (lr.shape[0] * 4, lr.shape[1] * 4, 3)
    plain = Enlarger()(torch.tensor(lr).permute(2, 0, 1)[None].float() / 255)
    habit = (plain.mean((2, 3)) * 255).squeeze() - torch.tensor(lr.mean((0, 1)))
    drift = answer.mean((0, 1)) - lr.mean((0, 1))
    assert habit.abs().max() > 8
    assert np.abs(drift).max() < 1
