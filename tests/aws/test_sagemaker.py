"""The function before a SageMaker endpoint, with the real service as the container behind it."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.request import urlopen

import botocore.session
import pytest

from backend import Reply, RequestHandler
from backend.aws.sagemaker_engine import MAX_REQUEST_BYTES
from testbed.aws.api_event import post_event, read_event, request_body, upscale_event
from testbed.aws.runtime_api import LambdaProcess
from testbed.aws.s3 import S3, StoredObject
from testbed.aws.signature import ENVIRONMENT
from testbed.loopback import Loopback, Sent
from tests.aws.conftest import INPUTS, RESULTS
from tests.aws.sagemaker_runtime import SageMakerRuntime
from tests.hostile.corpus import CORPUS, Case

HANDLER = "backend.aws.sagemaker_handler.handler"
REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


@pytest.fixture(scope="module")
def runtime(handler: RequestHandler) -> Iterator[SageMakerRuntime]:
    with SageMakerRuntime(handler.handle) as server:
        yield server


@pytest.fixture(scope="module")
def process(runtime: SageMakerRuntime) -> Iterator[LambdaProcess]:
    """The function's process, without a results bucket."""
    with LambdaProcess(HANDLER, environment={**ENVIRONMENT, **runtime.environment}) as started:
        yield started


@pytest.fixture
def container(
    runtime: SageMakerRuntime,
) -> Iterator[Callable[[Callable[[bytes], Reply]], None]]:
    """Replace the container for one test."""
    before = runtime.container
    yield lambda other: setattr(runtime, "container", other)
    runtime.container = before


def call(process: LambdaProcess, event: object) -> tuple[int, dict[str, Any], dict[str, str]]:
    outcome = process.call(event)
    assert outcome.kind == "response", outcome
    answer = outcome.content
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


@pytest.mark.parametrize("case", CORPUS, ids=str)
def test_every_file_of_the_corpus_gets_the_engines_own_answer(
    process: LambdaProcess, handler: RequestHandler, case: Case
) -> None:
    body = request_body(case.make())
    expected = handler.handle(body, REQUEST_ID)
    answer = process.call(post_event(body)).content
    assert (answer["statusCode"], answer["body"]) == (expected.status, expected.body.decode())
    assert expected.headers.items() <= answer["headers"].items()


def test_options_reach_the_container(
    process: LambdaProcess, handler: RequestHandler, photo_bytes: Callable[..., bytes]
) -> None:
    fields = {"scale": "4", "format": "jpeg", "cleanup": "off", "model": handler.settings.model}
    status, body, _ = call(process, upscale_event(photo_bytes("PNG"), **fields))
    assert (status, body["scale"], body["format"]) == (200, 4, "jpeg")
    direct = json.loads(handler.handle(request_body(photo_bytes("PNG"), **fields)).body)
    assert body == direct


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"model": "none"}, "unknown_model"), ({"scale": 3}, "unsupported_scale")],
    ids=str,
)
def test_a_400_stays_a_400_with_the_same_body(
    process: LambdaProcess,
    handler: RequestHandler,
    photo_bytes: Callable[..., bytes],
    fields: dict[str, object],
    code: str,
) -> None:
    event = upscale_event(photo_bytes("PNG"), **fields)
    status, body, headers = call(process, event)
    direct = handler.handle(event["body"].encode(), REQUEST_ID)
    assert (status, body) == (400, json.loads(direct.body))
    assert body["error"] == code
    assert headers["X-Request-Id"] == REQUEST_ID == body["request_id"]


@pytest.mark.parametrize(
    ("name", "status"),
    [("post_without_body", 400), ("post_base64_broken", 400), ("post_form", 415), ("get", 405)],
)
def test_invalid_requests_never_reach_the_endpoint(
    process: LambdaProcess, runtime: SageMakerRuntime, name: str, status: int
) -> None:
    before = len(runtime.received)
    assert call(process, read_event(name))[0] == status
    assert len(runtime.received) == before


def test_a_full_queue_in_the_container_says_when_to_come_back(
    process: LambdaProcess, container: Callable[[Callable[[bytes], Reply]], None]
) -> None:
    busy = {"error": "busy", "message": "Later.", "details": {"retry_after": 18}, "request_id": "c"}
    container(lambda body: Reply(status=503, body=json.dumps(busy).encode()))
    status, body, headers = call(process, read_event("post"))
    assert (status, body["error"], headers["Retry-After"]) == (503, "busy", "18")
    assert body["request_id"] == REQUEST_ID


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        ((400, "ThrottlingException"), 503, "busy"),
        ((429, "ModelNotReadyException"), 503, "busy"),
        ((503, "ServiceUnavailable"), 503, "busy"),
        ((400, "ValidationError"), 503, "model_unavailable"),
        ((403, "AccessDeniedException"), 503, "model_unavailable"),
        ((500, "InternalFailure"), 503, "model_unavailable"),
    ],
    ids=str,
)
def test_an_error_of_sagemaker_becomes_a_named_one(
    process: LambdaProcess,
    runtime: SageMakerRuntime,
    failure: tuple[int, str],
    status: int,
    code: str,
) -> None:
    runtime.failure = failure
    before = len(runtime.received)
    try:
        answered, body, headers = call(process, read_event("post"))
    finally:
        runtime.failure = None
    assert (answered, body["error"]) == (status, code)
    assert ("Retry-After" in headers) == (code == "busy")
    assert len(runtime.received) == before + 1, "the same work must not be started twice"


@pytest.mark.parametrize(
    ("status", "text", "answered", "code"),
    [
        (502, "<html>Bad Gateway</html>", 500, "inference_failed"),
        (500, '{"detail": "another server"}', 500, "inference_failed"),
        (503, "no healthy worker", 503, "busy"),
        (0, "Your invocation timed out", 413, "would_time_out"),
        (504, "", 413, "would_time_out"),
    ],
)
def test_the_words_of_another_server_are_not_passed_on(
    process: LambdaProcess,
    container: Callable[[Callable[[bytes], Reply]], None],
    status: int,
    text: str,
    answered: int,
    code: str,
) -> None:
    container(lambda body: Reply(status=status, body=text.encode()))
    got, body, _ = call(process, read_event("post"))
    assert (got, body["error"]) == (answered, code)
    assert not text or text not in json.dumps(body)


def test_an_answer_that_is_no_json_and_too_large_is_an_error(
    process: LambdaProcess, container: Callable[[Callable[[bytes], Reply]], None]
) -> None:
    container(lambda body: Reply(status=200, body=b"x" * 7 * 2**20))
    assert call(process, read_event("post"))[1]["error"] == "inference_failed"


def test_a_wrong_secret_gets_nothing(runtime: SageMakerRuntime) -> None:
    environment = {**ENVIRONMENT, **runtime.environment, "AWS_SECRET_ACCESS_KEY": "wrong"}
    with LambdaProcess(HANDLER, environment=environment) as process:
        status, body, _ = call(process, read_event("post"))
        log = process.log
    assert (status, body["error"]) == (503, "model_unavailable")
    assert "InvalidSignatureException" in log
    assert "InvalidSignatureException" not in json.dumps(body)


def test_an_endpoint_that_is_too_slow_is_given_up(runtime: SageMakerRuntime) -> None:
    is_over = threading.Event()

    def slow(body: bytes) -> Reply:
        is_over.wait(30)
        return Reply(status=200, body=b"{}")

    with SageMakerRuntime(slow) as server:
        environment = {**ENVIRONMENT, **server.environment, "SR_TIME_BUDGET_SECONDS": "1"}
        with LambdaProcess(HANDLER, environment=environment) as process:
            status, body, _ = call(process, read_event("post"))
        is_over.set()
    assert (status, body["error"]) == (413, "would_time_out")


def test_a_missing_endpoint_name_is_a_failed_start() -> None:
    with LambdaProcess(HANDLER, environment=ENVIRONMENT) as process:
        assert process.outcome().kind == "init error"


def test_a_private_address_is_refused_before_the_endpoint_is_called(
    process: LambdaProcess, runtime: SageMakerRuntime, photo_bytes: Callable[..., bytes]
) -> None:
    before = len(runtime.received)
    with Loopback(lambda request: Sent(body=photo_bytes("PNG"))) as web:
        status, body, _ = call(process, post_event(json.dumps({"url": web.url}).encode()))
        assert not web.received
    assert (status, body["error"]) == (403, "source_not_allowed")
    assert len(runtime.received) == before


def test_the_limit_of_a_body_is_the_one_in_sagemaker_s_own_description() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker-runtime")
    body = model.operation_model("InvokeEndpoint").input_shape.members["Body"]
    assert body.metadata["max"] == MAX_REQUEST_BYTES


def test_a_picture_that_sagemaker_would_refuse_is_refused_before(
    runtime: SageMakerRuntime, s3: S3
) -> None:
    environment = {
        **ENVIRONMENT,
        **runtime.environment,
        **s3.environment,
        "SR_INPUT_BUCKETS": INPUTS,
    }
    size = MAX_REQUEST_BYTES * 3 // 4 + 1
    s3.objects[f"{INPUTS}/large.png"] = StoredObject(data=bytes(size))
    before = len(runtime.received)
    with LambdaProcess(HANDLER, environment=environment) as process:
        event = post_event(json.dumps({"url": f"s3://{INPUTS}/large.png"}).encode())
        status, body, _ = call(process, event)
    assert (status, body["error"]) == (413, "payload_too_large")
    assert body["details"] == {"max_bytes": MAX_REQUEST_BYTES * 3 // 4}
    assert len(runtime.received) == before


def test_urls_results_and_links(
    runtime: SageMakerRuntime,
    s3: S3,
    noise: bytes,
    photo_bytes: Callable[..., bytes],
    handler: RequestHandler,
) -> None:
    """One process with everything configured; web, s3, asked-for and forced links."""
    environment = {
        **ENVIRONMENT,
        **runtime.environment,
        **s3.environment,
        "SR_RESULTS_BUCKET": RESULTS,
        "SR_INPUT_BUCKETS": INPUTS,
        "SR_ALLOW_PRIVATE_SOURCES": "1",
    }
    data = photo_bytes("PNG")
    direct = json.loads(handler.handle(request_body(data)).body)
    s3.objects[f"{INPUTS}/cat.png"] = StoredObject(data=data)
    s3.objects[f"{INPUTS}/large.png"] = StoredObject(data=bytes(20 * 2**20))
    with (
        Loopback(lambda request: Sent(body=data)) as web,
        LambdaProcess(HANDLER, environment=environment) as process,
    ):
        for address in (f"{web.url}/cat.png", f"s3://{INPUTS}/cat.png"):
            event = post_event(json.dumps({"url": address}).encode())
            assert call(process, event)[:2] == (200, direct)
        stranger = post_event(json.dumps({"url": "s3://other/cat.png"}).encode())
        assert call(process, stranger)[1]["error"] == "source_not_allowed"

        large = post_event(json.dumps({"url": f"s3://{INPUTS}/large.png"}).encode())
        status, body, _ = call(process, large)
        assert (status, body["error"]) == (413, "payload_too_large")

        status, asked, _ = call(process, upscale_event(data, output="url"))
        assert status == 200
        with urlopen(asked.pop("result_url")) as stored:
            assert stored.read() == base64.b64decode(direct["result"])
        assert asked == {name: value for name, value in direct.items() if name != "result"}

        status, forced, _ = call(process, upscale_event(noise, scale=4))
        assert (status, "result" in forced) == (200, False)
        with urlopen(forced["result_url"]) as stored:
            assert stored.headers["Content-Type"] == "image/png"
            assert len(stored.read()) > 4 * 2**20


def test_a_link_that_the_container_made_is_passed_on(
    s3: S3, photo_bytes: Callable[..., bytes]
) -> None:
    about = {"width": 192, "height": 128, "format": "png", "model": "fast", "scale": 2}
    made = json.dumps({"result_url": "https://example.com/x.png", **about}).encode()
    with SageMakerRuntime(lambda body: Reply(status=200, body=made)) as runtime:
        environment = {**ENVIRONMENT, **runtime.environment, **s3.environment}
        environment["SR_RESULTS_BUCKET"] = RESULTS
        with LambdaProcess(HANDLER, environment=environment) as process:
            status, body, _ = call(process, upscale_event(photo_bytes("PNG"), output="url"))
    assert (status, body) == (200, json.loads(made))
    assert not s3.objects


def test_without_a_bucket_links_and_large_results_are_refused(
    process: LambdaProcess, noise: bytes, photo_bytes: Callable[..., bytes]
) -> None:
    status, body, _ = call(process, upscale_event(photo_bytes("PNG"), output="url"))
    assert (status, body["error"], body["details"]) == (400, "invalid_request", {"field": "output"})
    status, body, _ = call(process, upscale_event(noise, scale=4))
    assert (status, body["error"]) == (413, "reply_too_large")


def test_the_calling_function_needs_none_of_the_large_packages() -> None:
    heavy = "{'numpy', 'PIL', 'onnxruntime', 'requests', 'starlette'}"
    program = f"import {HANDLER.rpartition('.')[0]}, sys; print({heavy} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
