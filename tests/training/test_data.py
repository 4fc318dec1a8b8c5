"""Fidelity patches: LR and HR show the same place, however LR was damaged."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from training.data import Pair, PairSource, PatchSource, make_pair
from training.degradations import Degradation
from training.wild import WildDegradation

UNDAMAGED = Degradation(jpeg_probability=0)
ALWAYS = WildDegradation(clean_probability=0)
PATCH = 12


def patches(pair: Pair, *, wild_share: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `lr`, `level` and `hr` of 32 patches of the picture."""
    source = PatchSource(
        [(1.0, [pair])], scale=4, degradation=UNDAMAGED, wild=ALWAYS, wild_share=wild_share
    )
    lr, level, hr = source.batch(np.random.default_rng(3), size=32, patch=PATCH)
    return lr.numpy(), level.numpy(), hr.numpy()


def reduced(hr: np.ndarray) -> np.ndarray:
    """Average over 4 x 4."""
    return hr.reshape(len(hr), PATCH, 4, PATCH, 4, 3).astype(float).mean((2, 4))


@pytest.mark.parametrize("wild_share", [0.0, 1.0])
def test_lr_and_hr_are_of_the_same_place(photo: Image.Image, wild_share: float) -> None:
    lr, _, hr = patches(make_pair(photo, scale=4), wild_share=wild_share)
    means = lr.mean((1, 2)), reduced(hr).mean((1, 2))
    assert lr.shape == (32, PATCH, PATCH, 3)
    assert np.abs(means[0] - means[1]).max() < 8


def test_as_many_photographs_as_were_asked_for_are_damaged(photo: Image.Image) -> None:
    pair = make_pair(photo, scale=4)
    errors = []
    for share in (0.0, 0.5, 1.0):
        lr, _, hr = patches(pair, wild_share=share)
        errors.append(float(np.abs(lr - reduced(hr)).mean()))
    assert errors[0] < errors[1] < errors[2]


def test_drawings_are_not_damaged_as_photographs_are(photo: Image.Image) -> None:
    pair = make_pair(photo, scale=4, is_drawn=True)
    _, level, _ = patches(pair, wild_share=1.0)
    assert not level.any()


def test_pictures_that_are_all_too_small_are_told_at_once(photo: Image.Image) -> None:
    pairs = PairSource([(1.0, [make_pair(photo, scale=4)])])
    with pytest.raises(ValueError, match="smaller than 17 pixels"):
        pairs.draw(np.random.default_rng(0), at_least=17)
