"""The networks are trained with the inputs that the engine gives them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from backend.images.picture import decode
from training.degradations import Degradation, cleanup_level, degrade


@pytest.mark.parametrize("quality", [30, 50, 75, 95])
def test_training_and_engine_agree_on_the_level_of_a_jpeg(photo: Image.Image, quality: int) -> None:
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=quality)
    seen = decode(file.getvalue(), max_side=4096).jpeg_quality
    assert seen is not None
    assert (100 - seen) / 100 == pytest.approx(cleanup_level(quality), abs=0.01)


def test_a_clean_patch_stays_as_it_is_and_has_level_zero(photo: Image.Image) -> None:
    lr = np.asarray(photo)
    clean = Degradation(jpeg_probability=0)
    patch, level = degrade(lr, clean, np.random.default_rng(0))
    np.testing.assert_array_equal(patch, lr)
    assert level == 0


def test_a_damaged_patch_keeps_its_size_and_tells_its_level(photo: Image.Image) -> None:
    lr = np.asarray(photo)
    always = Degradation(jpeg_probability=1, jpeg_quality=(30, 30))
    patch, level = degrade(lr, always, np.random.default_rng(0))
    assert patch.shape == lr.shape
    assert (patch != lr).any()
    assert level == cleanup_level(30)
