"""The function's process under AWS's own runtime client, from its start to its limits."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from PIL import Image

from backend import Settings
from backend.models.manifest import SHIPPED
from backend.models.registry import load_registry
from testbed.aws.api_event import read_event, upscale_event
from testbed.aws.runtime_api import MAX_ANSWER_BYTES, LambdaProcess
from testbed.aws.s3 import S3
from testbed.aws.signature import ENVIRONMENT
from tests.aws.conftest import RESULTS
from tests.paths import SAMPLES

HANDLER = "backend.aws.lambda_handler.handler"
ALLOWED_GROWTH = 32 * 2**20


def read_body(outcome: Any) -> dict[str, Any]:
    assert outcome.kind == "response", outcome
    body: dict[str, Any] = json.loads(outcome.content["body"])
    return body


@pytest.fixture(scope="module")
def square() -> bytes:
    """512 x 512 of a photograph."""
    with Image.open(SAMPLES / "cat.jpg") as opened:
        picture = opened.convert("RGB").resize((512, 512))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def test_a_cold_start_answers_and_warm_calls_do_not_grow(
    square: bytes, photo_bytes: Callable[..., bytes]
) -> None:
    warm = upscale_event(photo_bytes("PNG"))
    with LambdaProcess(HANDLER) as process:
        first = process.call(upscale_event(square))
        assert first.content["statusCode"] == 200
        assert (read_body(first)["width"], read_body(first)["height"]) == (1024, 1024)
        second = process.call(warm)
        before = process.resident_bytes
        for _ in range(10):
            assert read_body(process.call(warm))["result"] == read_body(second)["result"]
        grown = process.resident_bytes - before
    assert grown < ALLOWED_GROWTH, f"{grown / 2**20:.0f} MiB more after ten calls"


def test_an_event_that_is_no_json_is_reported_and_the_process_goes_on(
    upscale_lambda: LambdaProcess,
) -> None:
    failed = upscale_lambda.call(b"{not json")
    assert failed.kind == "error"
    assert failed.content["errorType"] == "Runtime.UnmarshalError"
    assert upscale_lambda.call(read_event("post")).content["statusCode"] == 200


def test_a_setting_that_the_code_does_not_know_yet_ends_no_start() -> None:
    """A template may be newer than the code, and must not break a stack."""
    with LambdaProcess(HANDLER, environment={"SR_NOT_YET_KNOWN": "1"}) as process:
        answer = process.call(read_event("post"))
        assert (answer.kind, answer.content.get("statusCode")) == ("response", 200), answer


def test_a_wrong_setting_is_reported_as_a_failed_start() -> None:
    with LambdaProcess(HANDLER, environment={"SR_MAX_SIDE": "none"}) as process:
        failed = process.outcome()
        assert failed.kind == "init error"
        assert failed.content["errorType"] == "SettingsError"
        assert "SR_MAX_SIDE" in failed.content["errorMessage"]
        assert process.wait() == 1


def test_a_damaged_network_is_named_and_works_once_it_is_repaired(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    spec = load_registry(SHIPPED).find(name=Settings().model, scale=2)
    network = tmp_path / spec.path.name
    whole = network.read_bytes()
    network.write_bytes(whole[:-1])
    with LambdaProcess(HANDLER, environment={"SR_MODELS_DIR": str(tmp_path)}) as process:
        refused = process.call(read_event("post"))
        assert refused.content["statusCode"] == 503
        assert read_body(refused)["error"] == "model_unavailable"
        assert str(tmp_path) not in refused.content["body"]
        network.write_bytes(whole)
        assert process.call(read_event("post")).content["statusCode"] == 200


def test_networks_that_come_after_the_start_are_found(tmp_path: Path) -> None:
    with LambdaProcess(HANDLER, environment={"SR_MODELS_DIR": str(tmp_path)}) as process:
        assert process.call(read_event("post")).content["statusCode"] == 503
        shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
        assert process.call(read_event("post")).content["statusCode"] == 200


def test_work_that_would_outlast_the_call_is_refused_before_it_starts(square: bytes) -> None:
    with LambdaProcess(HANDLER, timeout_seconds=1.1) as process:
        refused = process.call(upscale_event(square))
        assert refused.content["statusCode"] == 413
        assert read_body(refused)["error"] == "would_time_out"
        process.set_timeout(60)
        assert process.call(read_event("post")).content["statusCode"] == 200


def test_a_result_over_the_limit_is_refused_without_a_bucket(
    noise: bytes, upscale_lambda: LambdaProcess
) -> None:
    refused = upscale_lambda.call(upscale_event(noise, scale=4))
    assert refused.content["statusCode"] == 413
    assert read_body(refused)["error"] == "reply_too_large"
    assert upscale_lambda.is_running
    assert upscale_lambda.call(read_event("post")).content["statusCode"] == 200


def test_an_answer_over_the_limit_would_end_the_process() -> None:
    with LambdaProcess("tests.aws.endless_function.handler") as process:
        process.send({})
        assert process.wait() != 0
        assert "413" in process.log or "too large" in process.log.lower(), process.log


@dataclass(frozen=True)
class Storing:
    """A function with a results bucket."""

    process: LambdaProcess
    s3: S3


@pytest.fixture(scope="module")
def started() -> Iterator[Storing]:
    """A function with a results bucket, one for the module."""
    with S3(buckets=(RESULTS,)) as s3:
        environment = {**ENVIRONMENT, **s3.environment, "SR_RESULTS_BUCKET": RESULTS}
        with LambdaProcess(HANDLER, environment=environment) as process:
            yield Storing(process, s3)


@pytest.fixture
def storing(started: Storing) -> Storing:
    """The same, with an empty bucket."""
    started.s3.objects.clear()
    assert not started.s3.failures
    return started


def test_a_result_over_the_limit_comes_as_a_link_that_expires(
    noise: bytes, storing: Storing
) -> None:
    outcome = storing.process.call(upscale_event(noise, scale=4))
    log = storing.process.log
    body = read_body(outcome)
    assert outcome.content["statusCode"] == 200, body
    assert set(body) == {"result_url", "width", "height", "format", "model", "scale"}
    assert len(json.dumps(outcome.content)) < MAX_ANSWER_BYTES
    [(name, stored)] = storing.s3.objects.items()
    assert stored.media_type == "image/png"
    assert stored.encryption is None, "the bucket's own setting says with which key"
    assert parse_qs(urlsplit(body["result_url"]).query)["X-Amz-Expires"] == ["3600"]
    with urlopen(body["result_url"]) as answer:
        assert answer.read() == stored.data
    with Image.open(io.BytesIO(stored.data)) as result:
        assert result.size == (1792, 1792)
    with pytest.raises(HTTPError, match="403") as caught:
        urlopen(body["result_url"].replace(name.partition("/")[2], "other.png"))
    caught.value.close()
    assert "X-Amz-Signature" not in log


def test_a_small_result_comes_as_a_link_when_asked(
    storing: Storing, photo_bytes: Callable[..., bytes]
) -> None:
    process = storing.process
    plain = read_body(process.call(upscale_event(photo_bytes("PNG"))))
    assert not storing.s3.objects
    linked = read_body(process.call(upscale_event(photo_bytes("PNG"), output="url")))
    [stored] = storing.s3.objects.values()
    assert stored.data == base64.b64decode(plain["result"])
    assert linked["result_url"].startswith(f"{storing.s3.url}/{RESULTS}/")


@pytest.mark.parametrize("failure", [(403, "AccessDenied"), (404, "NoSuchBucket")])
def test_a_result_that_cannot_be_stored_is_an_error_of_ours(
    storing: Storing, photo_bytes: Callable[..., bytes], failure: tuple[int, str]
) -> None:
    storing.s3.failures.append(failure)
    assert failure[1] not in storing.process.log
    refused = storing.process.call(upscale_event(photo_bytes("PNG"), output="url"))
    assert failure[1] in storing.process.log
    assert refused.content["statusCode"] == 500
    assert read_body(refused)["error"] == "internal_error"
    assert failure[1] not in refused.content["body"]
