"""Batches of pictures in S3 through the function of the bulk stack, in a process like Lambda's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from backend import LocalEngine, UpscaleOptions
from testbed.aws.runtime_api import LambdaProcess, Outcome
from testbed.aws.s3 import S3, StoredObject
from testbed.aws.signature import ENVIRONMENT

HANDLER = "backend.aws.bulk_handler.handler"
JOB = {"scale": 2, "model": "fast", "format": "auto", "cleanup": "auto"}
"""The job as `python -m cfn bulk start` sends it."""


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with S3(buckets=("photos", "results")) as server:
        yield server


@pytest.fixture(autouse=True)
def empty(s3: S3) -> None:
    s3.objects.clear()
    s3.failures.clear()
    s3.unlisted.clear()
    s3.received.clear()


@pytest.fixture(scope="module")
def places(s3: S3) -> dict[str, str]:
    return {
        **ENVIRONMENT,
        **s3.environment,
        "BULK_SOURCE": "s3://photos/small/",
        "BULK_TARGET": "s3://results/large/",
    }


@pytest.fixture(scope="module")
def process(places: dict[str, str]) -> Iterator[LambdaProcess]:
    with LambdaProcess(HANDLER, environment=places, timeout_seconds=900) as started:
        yield started


def batch(*keys: str, **job: object) -> dict[str, object]:
    """Return the batch that ItemSelector and ItemBatcher make of a listing."""
    items = [{"key": f"small/{key}"} for key in keys]
    return {"BatchInput": {"job": {**JOB, **job}}, "Items": items}


def content(outcome: Outcome) -> dict[str, Any]:
    assert outcome.kind == "response", outcome
    answer: dict[str, Any] = outcome.content
    return answer


@pytest.fixture
def put(s3: S3, photo_bytes: Callable[..., bytes]) -> Callable[..., None]:
    def put_(*keys: str) -> None:
        for key in keys:
            s3.objects[f"photos/small/{key}"] = StoredObject(data=photo_bytes("PNG"))

    return put_


def test_a_batch_is_done_and_then_skipped(
    process: LambdaProcess, s3: S3, put: Callable[..., None], engine: LocalEngine
) -> None:
    put(*(keys := [f"{number} ü.png" for number in range(10)]))
    answer = content(process.call(batch(*keys)))
    assert answer == {"done": 10, "skipped": 0, "failed": 0, "failures": []}
    expected = engine.upscale(s3.objects["photos/small/0 ü.png"].data, UpscaleOptions(model="fast"))
    assert {s3.objects[f"results/large/{key}"].data for key in keys} == {expected.data}
    s3.methods()
    assert content(process.call(batch(*keys)))["skipped"] == 10
    assert sorted(s3.methods()) == ["GET"] * 10 + ["HEAD"] * 10
    assert content(process.call(batch(*keys, scale=4)))["done"] == 10


def test_a_picture_that_is_gone_is_its_own_fault_where_the_role_may_list(
    process: LambdaProcess, s3: S3, put: Callable[..., None]
) -> None:
    """S3 answers 403 for a key that is not there to whoever may not list the bucket."""
    put("a.png")
    answer = content(process.call(batch("a.png", "gone.png")))
    assert (answer["done"], answer["failed"]) == (1, 1)
    assert answer["failures"][0]["error"] == "source_not_found"
    s3.unlisted.add("photos")
    failed = process.call(batch("a.png", "gone.png"))
    assert failed.content["errorType"] == "BatchError"


@pytest.mark.parametrize("written", ["2026+01/a+b%2Bc%C3%BC.png", "2026%2001/a%20b%2Bc%C3%BC.png"])
def test_keys_of_an_inventory_are_decoded(
    process: LambdaProcess, s3: S3, put: Callable[..., None], written: str
) -> None:
    put("2026 01/a b+cü.png")
    made = batch(written)
    made["BatchInput"] = {"job": JOB, "keys": "url-encoded"}
    assert content(process.call(made))["done"] == 1
    assert "results/large/2026 01/a b+cü.png" in s3.objects


def test_a_setting_of_a_newer_template_ends_no_start(
    places: dict[str, str], put: Callable[..., None]
) -> None:
    put("a.png")
    newer = {**places, "SR_NOT_YET_KNOWN": "1"}
    with LambdaProcess(HANDLER, environment=newer, timeout_seconds=900) as started:
        assert content(started.call(batch("a.png")))["done"] == 1


def test_damaged_pictures_are_told_and_fail_no_batch(
    process: LambdaProcess, s3: S3, put: Callable[..., None]
) -> None:
    put("a.png")
    s3.objects["photos/small/broken.png"] = StoredObject(data=b"\x89PNG\r\n\x1a\n")
    s3.objects["photos/small/deep/"] = StoredObject(data=b"")
    answer = content(process.call(batch("a.png", "broken.png", "deep/")))
    assert (answer["done"], answer["failed"]) == (1, 1)
    assert [(each["key"], each["error"]) for each in answer["failures"]] == [
        ("broken.png", "invalid_image")
    ]
    written = json.loads(s3.objects["results/large/_failed/broken.png.json"].data)
    assert written["error"] == "invalid_image"


def test_an_answer_stays_small_whatever_is_damaged(process: LambdaProcess, s3: S3) -> None:
    keys = [f"{number:04}{'x' * 900}.png" for number in range(150)]
    for key in keys:
        s3.objects[f"photos/small/{key}"] = StoredObject(data=b"")
    answer = content(process.call(batch(*keys)))
    assert (answer["failed"], len(answer["failures"])) == (150, 100)
    assert len(json.dumps(answer)) < 256 * 2**10


@pytest.mark.parametrize("keys", [("a.png", "b.png", "c.png"), ("a.png",)])
def test_a_fault_of_ours_fails_the_call_and_the_next_one_goes_on(
    process: LambdaProcess, s3: S3, put: Callable[..., None], keys: tuple[str, ...]
) -> None:
    put(*keys)
    s3.failures.append((403, "AccessDenied"))
    failed = process.call(batch(*keys))
    assert failed.kind == "error"
    assert failed.content["errorType"] == "BatchError"
    assert f"1 of {len(keys)} pictures had a fault that is not theirs" in str(failed.content)
    assert "whether there is a result (403)" in failed.content["errorMessage"]
    answer = content(process.call(batch(*keys)))
    assert (answer["done"], answer["skipped"]) == (1, len(keys) - 1)


def test_pictures_beyond_the_time_are_left_to_the_next_call(
    places: dict[str, str], s3: S3, put: Callable[..., None]
) -> None:
    put("a.png", "b.png")
    with LambdaProcess(HANDLER, environment=places, timeout_seconds=4) as hurried:
        failed = hurried.call(batch("a.png", "b.png"))
    assert failed.content["errorType"] == "BatchError"
    assert "The time was over after 0 of 2 pictures" in failed.content["errorMessage"]
    assert not any(name.startswith("results/") for name in s3.objects)


@pytest.mark.parametrize(
    ("event", "error", "said"),
    [
        ({"Items": {}}, "RequestError", "A batch is"),
        ({}, "RequestError", "A batch is"),
        ({"Items": [{}]}, "RequestError", "has a 'key'"),
        ({"Items": [], "BatchInput": {"keys": "base64"}}, "RequestError", "'keys' is"),
        ([], "RequestError", "A batch is"),
        ({"Items": [], "BatchInput": {"job": [1]}}, "RequestError", "'job' is a JSON object"),
        ({"Items": [{"key": "other/a.png"}]}, "RequestError", "not below s3://photos/small/"),
        (batch("a.png", model="none"), "UnknownModelError", "no model named 'none'"),
        (batch("a.png", scale=3), "UnsupportedScaleError", "scale 3"),
        (batch("a.png", sharpness=[1]), "RequestError", "Unknown field 'sharpness'"),
    ],
)
def test_an_event_that_cannot_be_right_is_refused_before_s3_is_asked(
    process: LambdaProcess, s3: S3, event: object, error: str, said: str
) -> None:
    failed = process.call(event)
    assert failed.kind == "error", failed
    assert failed.content["errorType"] == error
    assert said in failed.content["errorMessage"]
    assert s3.received == []


def test_results_among_the_pictures_end_the_start(places: dict[str, str]) -> None:
    inside = {**places, "BULK_TARGET": "s3://photos/small/large/"}
    with LambdaProcess(HANDLER, environment=inside) as started:
        failed = started.outcome()
        assert failed.kind == "init error"
        assert "may lie in the other" in failed.content["errorMessage"]
