"""What a call's remaining time does to the work, before it starts and while it runs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import pytest
from awslambdaric.lambda_context import LambdaContext

from backend import LocalEngine, Settings, UpscaleOptions, Watch, create_engine
from backend.aws import lambda_handler
from backend.aws.lambda_limits import (
    MAX_REPLY_BYTES,
    SECONDS_TO_ANSWER,
    TIME_BUDGET_SECONDS,
    lambda_settings,
    seconds_left,
)
from backend.errors import DeadlineError


def lambda_with(seconds: float) -> LambdaContext:
    return LambdaContext("r-1", None, None, int((time.time() + seconds) * 1000))


@pytest.mark.parametrize(
    ("of_lambda", "budget", "expected"),
    [
        (30, 27.0, 27.0),
        (10, 27.0, 10 - SECONDS_TO_ANSWER),
        (10, None, 10 - SECONDS_TO_ANSWER),
        (0, 27.0, -SECONDS_TO_ANSWER),
    ],
)
def test_the_sooner_of_both_ends_counts(
    of_lambda: float, budget: float | None, expected: float
) -> None:
    left = seconds_left(lambda_with(of_lambda), budget=budget)
    assert left() == pytest.approx(expected, abs=0.5)


def test_work_that_outlasts_its_time_is_given_up_between_tiles(
    photo_bytes: Callable[..., bytes],
) -> None:
    engine = create_engine(Settings(tile_size=16))
    done: list[int] = []

    def left() -> float:
        return math.inf if len(done) < 2 else 0.0

    with pytest.raises(DeadlineError):
        engine.upscale(
            photo_bytes("PNG"),
            UpscaleOptions(),
            watch=Watch(seconds_left=left, on_progress=lambda count, total: done.append(count)),
        )
    assert done == [1, 2]
    assert engine.load == (0, 0)


def test_work_that_cannot_be_done_in_time_is_not_started(
    engine: LocalEngine, photo_bytes: Callable[..., bytes]
) -> None:
    done: list[int] = []
    with pytest.raises(DeadlineError) as caught:
        engine.upscale(
            photo_bytes("PNG"),
            UpscaleOptions(),
            watch=Watch(
                seconds_left=lambda: 0.0001, on_progress=lambda count, total: done.append(count)
            ),
        )
    assert set(caught.value.details) == {"estimated_seconds", "limit_seconds"}
    assert not done


def test_a_function_has_the_limits_of_its_transport_unless_they_are_lower(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = lambda_settings()
    assert settings.max_reply_bytes == MAX_REPLY_BYTES
    assert settings.time_budget_seconds == TIME_BUDGET_SECONDS
    monkeypatch.setenv("SR_MAX_REPLY_BYTES", str(10 * 2**20))
    monkeypatch.setenv("SR_TIME_BUDGET_SECONDS", "12.5")
    settings = lambda_settings()
    assert settings.max_reply_bytes == MAX_REPLY_BYTES
    assert settings.time_budget_seconds == 12.5
    monkeypatch.setenv("SR_MAX_REPLY_BYTES", "1000")
    assert lambda_settings().max_reply_bytes == 1000


def test_nothing_is_made_where_the_module_is_only_imported() -> None:
    assert lambda_handler.engine.cache_info().currsize == 0
    assert lambda_handler.request_handler.cache_info().currsize == 0
