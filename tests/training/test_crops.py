"""Patches, targets and anchored teachers as they reach the losses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from training.crops import AnchoredTeacher, CropBatch, CropFolder, CropSource, Origin
from training.data import PairSource, make_pair
from training.wild import WildDegradation


class Enlarger(nn.Module):
    """A bicubic teacher that is redder than its input."""

    def forward(self, lr: Tensor) -> Tensor:
        sr = F.interpolate(lr, scale_factor=4, mode="bicubic", align_corners=False)
        return sr + torch.tensor([0.08, 0.0, -0.04]).view(1, 3, 1, 1)


@pytest.fixture
def pairs(photo: Image.Image) -> PairSource:
    large = photo.resize((384, 256), Image.Resampling.BICUBIC)
    return PairSource([(1.0, [make_pair(large, scale=4)])])


ORIGIN = Origin(teacher="enlarger", scale=4)


def fill(folder: CropFolder, pairs: PairSource, degradation: WildDegradation) -> None:
    """Fill the folder with six crops."""
    teacher = AnchoredTeacher(Enlarger(), device=torch.device("cpu"))
    source = CropSource(pairs, degradation, degradation, teacher, scale=4, side=32)
    folder.begin(ORIGIN)
    rng = np.random.default_rng(4)
    for _ in range(6):
        folder.add(source.draw(rng))


def make_batch(
    path: Path, pairs: PairSource, degradation: WildDegradation, *, size: int = 3
) -> CropBatch:
    folder = CropFolder(path)
    fill(folder, pairs, degradation)
    return folder.batch(np.random.default_rng(5), size=size, patch=16)


def test_patches_have_their_sizes(tmp_path: Path, pairs: PairSource) -> None:
    batch = make_batch(tmp_path, pairs, WildDegradation())
    assert batch.lr.shape == (3, 16, 16, 3)
    assert batch.hr.shape == batch.target.shape == (3, 64, 64, 3)
    assert batch.level.shape == (3,)


def test_a_clean_patch_is_taught_by_the_true_picture(tmp_path: Path, pairs: PairSource) -> None:
    batch = make_batch(tmp_path, pairs, WildDegradation(clean_probability=1))
    assert torch.equal(batch.target, batch.hr)


def test_a_damaged_patch_is_taught_by_the_teacher(tmp_path: Path, pairs: PairSource) -> None:
    noisy = WildDegradation(clean_probability=0, blur_probability=1, blur_sigma=(1.0, 1.1))
    batch = make_batch(tmp_path, pairs, noisy)
    assert not torch.equal(batch.target, batch.hr)
    assert not batch.is_drawn.any()


def test_a_damaged_drawing_is_taught_by_itself(tmp_path: Path, photo: Image.Image) -> None:
    large = photo.resize((384, 256), Image.Resampling.BICUBIC)
    drawn = PairSource([(1.0, [make_pair(large, scale=4, is_drawn=True)])])
    noisy = WildDegradation(clean_probability=0, blur_probability=1, blur_sigma=(1.0, 1.1))
    batch = make_batch(tmp_path, drawn, noisy)
    assert torch.equal(batch.target, batch.hr)
    assert batch.is_drawn.all()


def test_a_patch_and_its_target_lie_on_one_another(tmp_path: Path, pairs: PairSource) -> None:
    batch = make_batch(tmp_path, pairs, WildDegradation(clean_probability=1), size=6)
    small = F.avg_pool2d(batch.hr.permute(0, 3, 1, 2).float(), 4)
    difference = (small - batch.lr.permute(0, 3, 1, 2).float()).abs().mean()
    mirrored = (small.flip(3) - batch.lr.permute(0, 3, 1, 2).float()).abs().mean()
    assert difference < 4 < mirrored


def test_a_folder_goes_on_where_it_stopped(tmp_path: Path, pairs: PairSource) -> None:
    fill(CropFolder(tmp_path), pairs, WildDegradation())
    again = CropFolder(tmp_path)
    fill(again, pairs, WildDegradation())
    assert len(again) == 12
    assert again.origin() == ORIGIN


def test_crops_of_two_teachers_are_not_mixed(tmp_path: Path, pairs: PairSource) -> None:
    folder = CropFolder(tmp_path)
    fill(folder, pairs, WildDegradation())
    with pytest.raises(ValueError, match="another teacher"):
        folder.begin(Origin(teacher="other", scale=4))


def test_a_batch_larger_than_the_folder_is_refused(tmp_path: Path, pairs: PairSource) -> None:
    folder = CropFolder(tmp_path)
    fill(folder, pairs, WildDegradation())
    with pytest.raises(ValueError, match="holds 6 crops, a batch needs 7"):
        folder.batch(np.random.default_rng(0), size=7, patch=16)


def test_an_anchored_teacher_keeps_the_colours_of_its_input(photo: Image.Image) -> None:
    lr = np.asarray(photo)
    answer = AnchoredTeacher(Enlarger(), device=torch.device("cpu"))(lr)
    assert answer.shape == (lr.shape[0] * 4, lr.shape[1] * 4, 3)
    plain = Enlarger()(torch.tensor(lr).permute(2, 0, 1)[None].float() / 255)
    habit = (plain.mean((2, 3)) * 255).squeeze() - torch.tensor(lr.mean((0, 1)))
    drift = answer.mean((0, 1)) - lr.mean((0, 1))
    assert habit.abs().max() > 8
    assert np.abs(drift).max() < 1
