"""Thousands of damaged files through the decoder: a picture or a named error, nothing else."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from backend.errors import SuperResolutionError
from backend.images import decode
from tests.hostile.corpus import GOOD

MUTANTS = 2000
MAX_SIDE = 256
CODES = {"invalid_image", "image_too_large", "unsupported_media_type"}


def mutate(data: bytes, chance: random.Random) -> bytes:
    """One to four hurts: flipped, overwritten, removed, repeated or inserted bytes, or a cut."""
    whole = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        # Headers are where the interesting fields are.
        end = len(whole) if chance.random() < 0.5 else min(len(whole), 128)
        place, length = chance.randrange(max(1, end)), chance.choice((1, 1, 2, 4, 16, 64))
        hurt = chance.randrange(7)
        if hurt == 0 and place < len(whole):
            whole[place] ^= 1 << chance.randrange(8)
        elif hurt == 1:
            whole[place : place + length] = chance.randbytes(length)
        elif hurt == 2:
            whole[place : place + length] = bytes((chance.choice((0, 255)),)) * length
        elif hurt == 3:
            del whole[place : place + length]
        elif hurt == 4:
            whole[place:place] = chance.randbytes(length)
        elif hurt == 5:
            whole[place:place] = whole[place : place + 64]
        else:
            del whole[max(place, 16) :]
    return bytes(whole)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # of oddities it reads all the same
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
