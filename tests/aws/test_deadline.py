"""A call's remaining time limits the work, before it starts and while it runs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence

import pytest
from awslambdaric.lambda_context import LambdaContext

from backend import LocalEngine, RequestHandler, Settings, UpscaleOptions, Watch, create_engine
from backend.aws import lambda_handler
from backend.aws.api_gateway import answer_event
from backend.aws.lambda_limits import (
    MAX_REPLY_BYTES,
    SECONDS_TO_ANSWER,
    TIME_BUDGET_SECONDS,
    cores,
    lambda_settings,
    seconds_left,
)
from backend.engine import Upscaled
from backend.errors import BusyError, DeadlineError
from backend.inference.estimate import ENCODING_SECONDS_PER_PIXEL
from backend.requests.sources.any_source import AnySource
from testbed.aws.api_event import upscale_event


def lambda_with(seconds: float) -> LambdaContext:
    return LambdaContext("r-1", None, None, int((time.time() + seconds) * 1000))


class Recorder:
    """An engine that records how long its caller still waits."""

    models: Mapping[str, Sequence[int]] = {}

    def __init__(self) -> None:
        self.left: list[float] = []

    @property
    def details(self) -> dict[str, int]:
        return {}

    def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:
        return 0.0

    def upscale(self, data: bytes, options: UpscaleOptions, *, watch: Watch = Watch()) -> Upscaled:
        self.left.append(watch.seconds_left())
        raise BusyError("Enough is known.", seconds=1)


@pytest.mark.parametrize(
    ("age", "expected"),
    [(0.0, 28.0), (5.0, 23.0), (27.0, 1.0), (40.0, -12.0), (86_400.0, 28.0), (-60.0, 28.0)],
    ids=str,
)
def test_the_time_that_a_cold_start_took_is_over(
    age: float, expected: float, photo_bytes: Callable[..., bytes]
) -> None:
    """A recorded event, or a wrong clock, says nothing about a waiting caller."""
    settings = lambda_settings()
    engine = Recorder()
    handler = RequestHandler(engine, AnySource(settings), settings)
    event = upscale_event(photo_bytes("PNG"))
    event["requestContext"]["requestTimeEpoch"] = int((time.time() - age) * 1000)
    answer = answer_event(event, lambda_with(60), lambda: handler, settings)
    assert answer["statusCode"] == 503
    assert engine.left == [pytest.approx(expected, abs=0.5)]


@pytest.mark.parametrize("odd", [None, "soon", {"a": 1}, []])
def test_an_event_without_its_time_is_as_old_as_the_call(
    odd: object, photo_bytes: Callable[..., bytes]
) -> None:
    settings = lambda_settings()
    engine = Recorder()
    handler = RequestHandler(engine, AnySource(settings), settings)
    event = upscale_event(photo_bytes("PNG"))
    event["requestContext"]["requestTimeEpoch"] = odd
    answer_event(event, lambda_with(60), lambda: handler, settings)
    assert engine.left == [pytest.approx(28.0, abs=0.5)]


@pytest.mark.parametrize(
    ("megabytes", "expected"), [("1769", 0.5), ("3538", 1.0), ("10240", 2.894), ("", None)]
)
def test_memory_buys_hyperthreads_and_two_are_a_core(
    megabytes: str, expected: float | None
) -> None:
    found = cores({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": megabytes})
    assert found == (None if expected is None else pytest.approx(expected, abs=0.001))


def test_the_first_estimate_on_lambda_is_twice_that_of_whole_cores() -> None:
    size, options = (1000, 1000), UpscaleOptions()
    of_cores = create_engine(Settings(threads=2)).estimated_seconds(size, options)
    of_lambda = create_engine(Settings(threads=2), cores=1.0).estimated_seconds(size, options)
    encoding = 1e6 * ENCODING_SECONDS_PER_PIXEL * options.scale**2
    assert of_lambda - encoding == pytest.approx(2 * (of_cores - encoding))


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


def test_importing_the_module_makes_nothing() -> None:
    assert lambda_handler.engine.cache_info().currsize == 0
    assert lambda_handler.request_handler.cache_info().currsize == 0
