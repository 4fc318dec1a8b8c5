"""API Gateway's events through the real handler in a process like Lambda's."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image

from backend import RequestHandler
from backend.requests.reply import CORS_HEADERS
from testbed.aws.api_event import post_event, read_event, request_body, upscale_event
from testbed.aws.runtime_api import LambdaProcess
from tests.hostile.corpus import BAD, CORPUS, Case

REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


def answer_to(process: LambdaProcess, event: object) -> dict[str, Any]:
    outcome = process.call(event)
    assert outcome.kind == "response", outcome
    answer: dict[str, Any] = outcome.content
    return answer


@pytest.mark.parametrize(
    "name",
    ["post", "post_base64_body", "post_small_letter_headers", "post_without_headers"],
)
def test_a_picture_comes_back_twice_as_large(upscale_lambda: LambdaProcess, name: str) -> None:
    answer = answer_to(upscale_lambda, read_event(name))
    assert answer["statusCode"] == 200, answer
    assert answer["isBase64Encoded"] is False
    assert answer["headers"]["Content-Type"] == "application/json"
    body = json.loads(answer["body"])
    with Image.open(io.BytesIO(base64.b64decode(body["result"]))) as result:
        assert result.size == (4, 4) == (body["width"], body["height"])


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("post_without_body", 400, "invalid_request"),
        ("post_base64_broken", 400, "invalid_request"),
        ("post_form", 415, "unsupported_media_type"),
        ("get", 405, "method_not_allowed"),
    ],
)
def test_a_wrong_event_is_refused_by_name(
    upscale_lambda: LambdaProcess, name: str, status: int, code: str
) -> None:
    answer = answer_to(upscale_lambda, read_event(name))
    body = json.loads(answer["body"])
    assert (answer["statusCode"], body["error"]) == (status, code)
    assert body["request_id"] == REQUEST_ID == answer["headers"]["X-Request-Id"]
    assert set(body) == {"error", "message", "details", "request_id"}


@pytest.mark.parametrize("event", [[], "text", 3, None, {}, {"img": "abc"}], ids=str)
def test_events_of_other_kinds_are_refused(upscale_lambda: LambdaProcess, event: object) -> None:
    answer = answer_to(upscale_lambda, event)
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["error"] == "invalid_request"


@pytest.mark.parametrize(
    "changed",
    [
        {"headers": [1]},
        {"requestContext": "x"},
        {"requestContext": {"requestId": 5}},
        {"body": '{"img": "\ud800"}'},
    ],
    ids=str,
)
def test_odd_values_in_an_event_do_no_harm(
    upscale_lambda: LambdaProcess, changed: dict[str, object]
) -> None:
    answer = answer_to(upscale_lambda, read_event("post") | changed)
    assert answer["statusCode"] in (200, 400)
    assert answer["headers"]["X-Request-Id"]


def test_a_body_that_is_no_text_is_refused(upscale_lambda: LambdaProcess) -> None:
    answer = answer_to(upscale_lambda, read_event("post") | {"body": {"img": "abc"}})
    assert answer["statusCode"] == 400


def test_a_preflight_is_answered_without_a_body(upscale_lambda: LambdaProcess) -> None:
    answer = answer_to(upscale_lambda, read_event("options"))
    assert (answer["statusCode"], answer["body"]) == (204, "")
    assert CORS_HEADERS.items() <= answer["headers"].items()


@pytest.mark.parametrize("name", ["post", "post_form"])
def test_pages_of_any_origin_may_read_answers_and_errors(
    upscale_lambda: LambdaProcess, name: str
) -> None:
    answer = answer_to(upscale_lambda, read_event(name))
    assert CORS_HEADERS.items() <= answer["headers"].items()


def test_without_a_request_id_of_the_gateway_lambdas_own_is_used(
    upscale_lambda: LambdaProcess,
) -> None:
    answer = answer_to(upscale_lambda, read_event("post_without_request_id"))
    assert answer["headers"]["X-Request-Id"].startswith("00000000-0000-4000-8000-")


@pytest.mark.parametrize("case", CORPUS, ids=str)
def test_every_file_of_the_corpus_gets_the_engines_own_answer(
    upscale_lambda: LambdaProcess, handler: RequestHandler, case: Case
) -> None:
    body = request_body(case.make())
    expected = handler.handle(body, REQUEST_ID)
    answer = answer_to(upscale_lambda, post_event(body))
    assert (answer["statusCode"], answer["body"]) == (expected.status, expected.body.decode())
    assert expected.headers.items() <= answer["headers"].items()


def test_the_log_has_a_line_for_each_request_and_nothing_of_its_picture() -> None:
    data = BAD[1].make()
    with LambdaProcess("backend.aws.lambda_handler.handler") as process:
        answer_to(process, read_event("post"))
        answer_to(process, upscale_event(data))
        answer_to(process, read_event("post_form"))
        log = process.log
    lines = [line for line in log.splitlines() if REQUEST_ID in line]
    assert len(lines) == 3, log
    assert [json.loads(line[line.index("{") :])["status"] for line in lines] == [200, 415, 415]
    assert json.loads(read_event("post")["body"])["img"][:40] not in log
    assert base64.b64encode(data).decode()[:40] not in log
