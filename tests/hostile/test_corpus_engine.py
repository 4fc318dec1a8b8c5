"""The corpus straight through the engine."""

from __future__ import annotations

import pytest

from backend import LocalEngine, SuperResolutionError, UpscaleOptions
from tests.hostile.corpus import BAD, GOOD, Case, assert_right, bomb


@pytest.mark.parametrize("case", GOOD, ids=str)
def test_an_odd_picture_comes_out_right(engine: LocalEngine, case: Case) -> None:
    result = engine.upscale(case.make(), UpscaleOptions(scale=2))
    assert_right(case, result.data, scale=2)


@pytest.mark.parametrize("case", GOOD[:3], ids=str)
def test_the_corpus_is_right_at_four_times(engine: LocalEngine, case: Case) -> None:
    result = engine.upscale(case.make(), UpscaleOptions(scale=4))
    assert_right(case, result.data, scale=4)


@pytest.mark.parametrize("case", BAD, ids=str)
def test_a_bad_file_gives_its_named_error(engine: LocalEngine, case: Case) -> None:
    with pytest.raises(SuperResolutionError) as caught:
        engine.upscale(case.make(), UpscaleOptions())
    assert caught.value.code == case.code, caught.value.message
    assert engine.load == (0, 0)


def test_the_bomb_is_small_as_a_file() -> None:
    assert len(bomb()) < 200_000
