"""Thousands of damaged files through the decoder: a picture or a named error, nothing else."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from backend.errors import SuperResolutionError
from backend.images.picture import decode
from benchmarks.mutations import mutate
from tests.hostile.corpus import GOOD

MUTANTS = 2000
MAX_SIDE = 256
CODES = {"invalid_image", "image_too_large", "unsupported_media_type"}


@pytest.mark.filterwarnings("ignore::UserWarning")  # of oddities it reads all the same
def test_mutated_files_give_a_picture_or_a_named_error() -> None:
    chance = random.Random(20)
    seeds = [data for data in (case.make() for case in GOOD) if len(data) < 20_000]
    outcomes: Counter[str] = Counter()
    for number in range(MUTANTS):
        data = mutate(seeds[number % len(seeds)], chance)
        try:
            picture = decode(data, max_side=MAX_SIDE)
        except SuperResolutionError as exc:
            assert exc.code in CODES, exc
            outcomes[exc.code] += 1
        else:
            height, width = picture.rgb.shape[:2]
            assert picture.rgb.dtype == np.uint8
            assert picture.rgb.shape == (height, width, 3)
            assert max(picture.size) <= MAX_SIDE
            assert picture.alpha is None or picture.alpha.shape == (height, width)
            outcomes["picture"] += 1
    # The mutator is worth its time only while it reaches all of the decoder's answers.
    assert set(outcomes) == CODES | {"picture"}, outcomes
    assert min(outcomes.values()) > 20, outcomes
