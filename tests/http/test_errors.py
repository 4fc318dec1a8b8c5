"""Every error of the table, provoked on a real server."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field

import pytest
import requests
from PIL import Image

from backend import errors
from tests.hostile import corpus
from tests.http.conftest import (
    Server,
    StartServer,
    encode_base64,
    long_request,
    small_request,
    until,
)
from tests.pictures import gradient_png, save


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A request to the ordinary or the tight server, and its answer."""

    code: str
    status: int
    content: object = None
    path: str = "/resolution"
    method: str = "POST"
    options: dict[str, object] = field(default_factory=dict)
    is_tight: bool = False

    def __str__(self) -> str:
        return f"{self.code} {self.content or self.path}"[:60]


JPEG_TYPE = {"Content-Type": "image/jpeg"}
JSON_TYPE = {"Content-Type": "application/json"}
BAD_REQUEST = errors.RequestError.status

REFUSALS = (
    Refusal(code="invalid_request", status=400, content=[]),
    Refusal(code="invalid_request", status=400, content={}),
    Refusal(
        code="invalid_request", status=400, content={"img": "aGk=", "url": "http://a.example/"}
    ),
    Refusal(code="invalid_request", status=400, content={"img": 5}),
    Refusal(code="invalid_request", status=400, content={"img": ""}),
    Refusal(code="invalid_request", status=400, content={"img": "no base64!"}),
    Refusal(code="invalid_request", status=400, content=small_request(extra=1)),
    Refusal(code="invalid_request", status=400, content=small_request(scale="two")),
    Refusal(code="invalid_request", status=400, content=small_request(scale=True)),
    Refusal(code="invalid_request", status=400, content=small_request(scale=2.5)),
    Refusal(code="invalid_request", status=400, content=small_request(format="gif")),
    Refusal(code="invalid_request", status=400, content=small_request(cleanup=101)),
    Refusal(code="invalid_request", status=400, content=small_request(output="file")),
    Refusal(code="invalid_request", status=400, content=small_request(output="url")),
    Refusal(
        code="invalid_request", status=400, options={"data": b'{"img": ', "headers": JSON_TYPE}
    ),
    Refusal(
        code="invalid_request", status=400, options={"data": b"[" * 100_000, "headers": JSON_TYPE}
    ),
    Refusal(
        code="invalid_request", status=400, options={"data": b"\xff\xfe", "headers": JSON_TYPE}
    ),
    Refusal(code="unsupported_scale", status=400, content=small_request(scale=3)),
    Refusal(code="unsupported_scale", status=400, content=small_request(scale="8")),
    Refusal(code="unsupported_scale", status=400, content=small_request(scale=-2)),
    Refusal(code="unknown_model", status=400, content=small_request(model="best")),
    Refusal(
        code="unsupported_media_type",
        status=415,
        options={"data": gradient_png(4, 4), "headers": JPEG_TYPE},
    ),
    Refusal(
        code="unsupported_media_type", status=415, content={"img": encode_base64(b"just a text")}
    ),
    Refusal(code="payload_too_large", status=413, content={"img": "A" * 70_000}, is_tight=True),
    Refusal(code="payload_too_large", status=413, content={"img": "A" * 50_000}, is_tight=True),
    Refusal(code="invalid_image", status=422, content={"img": encode_base64(corpus.broken_crc())}),
    Refusal(code="image_too_large", status=422, content={"img": encode_base64(corpus.bomb())}),
    Refusal(
        code="image_too_large",
        status=422,
        content={"img": encode_base64(gradient_png(101, 101))},
        is_tight=True,
    ),
    Refusal(
        code="reply_too_large",
        status=413,
        content={
            "img": encode_base64(save(Image.effect_noise((20, 20), 99), "PNG")),
            "scale": 4,
        },
        is_tight=True,
    ),
    Refusal(
        code="source_not_allowed",
        status=403,
        content={"url": "http://127.0.0.1/picture.png"},
        is_tight=True,
    ),
    Refusal(code="source_not_allowed", status=403, content={"url": "s3://bucket/picture.png"}),
    Refusal(code="model_unavailable", status=503, content=small_request(model="damaged")),
    Refusal(code="inference_failed", status=500, content=small_request(model="fragile")),
    Refusal(code="not_found", status=404, path="/"),
    Refusal(code="not_found", status=404, path="/a/b/resolution"),
    Refusal(code="not_found", status=404, path="/resolution/"),
    Refusal(code="not_found", status=404, path="/a.b/resolution"),
    Refusal(code="method_not_allowed", status=405, method="GET"),
    Refusal(code="method_not_allowed", status=405, method="DELETE", path="/ping"),
)

ELSEWHERE = {
    "source_not_found": "test_errors_of_the_other_side",
    "source_unreachable": "test_errors_of_the_other_side",
    "source_timeout": "test_errors_of_the_other_side",
    "would_time_out": "test_work_that_would_take_too_long_is_refused_at_once",
    "busy": "test_one_request_too_many_is_told_when_to_come_back",
    "internal_error": "test_unexpected",
    "missing_authentication": "test_strangers",
    "request_timed_out": "test_strangers",
    "too_many_requests": "test_strangers",
    "cancelled": "never sent to anyone",
}


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_every_error_has_its_code_and_status(
    server: Server, tight_server: Server, refusal: Refusal
) -> None:
    asked = tight_server if refusal.is_tight else server
    options = dict(refusal.options)
    if "data" not in options and refusal.content is not None:
        options["json"] = refusal.content
    answer = asked.request(refusal.method, refusal.path, **options)
    assert_error(answer, refusal.code, refusal.status)


def assert_error(answer: requests.Response, code: str, status: int) -> None:
    """Check that the error has the one shape of every path."""
    assert answer.headers["Content-Type"] == "application/json"
    content = answer.json()
    assert set(content) == {"error", "message", "details", "request_id"}
    assert (content["error"], answer.status_code) == (code, status), content
    assert content["message"].endswith(".")
    assert content["message"][0].isupper() or content["message"].startswith("'")
    assert content["request_id"] == answer.headers["X-Request-Id"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    for leak in ("Traceback", "/backend", "site-packages", "onnxruntime", "PIL", "0x"):
        assert leak not in answer.text


@pytest.mark.parametrize(
    ("path", "code", "status"),
    [
        ("/missing.png", "source_not_found", 404),
        ("/slow.png", "source_timeout", 504),
    ],
)
def test_errors_of_the_other_side(
    server: Server, picture_server: str, path: str, code: str, status: int
) -> None:
    assert_error(server.post({"url": picture_server + path}), code, status)


def test_a_closed_port_is_unreachable(server: Server, closed_port: int) -> None:
    answer = server.post({"url": f"http://127.0.0.1:{closed_port}/picture.png"})
    assert_error(answer, "source_unreachable", 502)


def test_a_link_that_works(server: Server, picture_server: str) -> None:
    answer = server.post({"url": picture_server + "/picture.png"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["width"], answer.json()["height"]) == (40, 20)


def test_work_that_would_take_too_long_is_refused_at_once(start_server: StartServer) -> None:
    server = start_server(SR_TIME_BUDGET_SECONDS="2")
    answer = server.post(
        {"img": encode_base64(gradient_png(4096, 4096)), "scale": 4, "format": "jpeg"}
    )
    assert_error(answer, "would_time_out", 413)
    assert answer.json()["details"]["estimated_seconds"] > 2
    assert server.post(small_request()).status_code == 200


def test_one_request_too_many_is_told_when_to_come_back(start_server: StartServer) -> None:
    server = start_server(SR_MAX_QUEUED="0")
    answers: list[requests.Response] = []
    first = threading.Thread(target=lambda: answers.append(server.post(long_request())))
    first.start()
    until(lambda: server.load() == (1, 0))
    refused = server.post(small_request())
    first.join()
    assert_error(refused, "busy", 503)
    assert int(refused.headers["Retry-After"]) == refused.json()["details"]["retry_after"] > 0
    assert answers[0].status_code == 200
    assert server.post(small_request()).status_code == 200


def test_every_code_of_the_tree_is_provoked() -> None:
    def tree(root: type[errors.SuperResolutionError]) -> set[str]:
        return {root.code}.union(*(tree(each) for each in root.__subclasses__()))

    provoked = {refusal.code for refusal in REFUSALS}
    assert tree(errors.SuperResolutionError) == provoked | set(ELSEWHERE)


def test_405_says_what_is_allowed(server: Server) -> None:
    assert "POST" in server.get("/resolution").headers["Allow"]
    assert "GET" in server.post({}, "/ping").headers["Allow"]


def test_unroutable_requests_get_errors_of_the_same_shape(server: Server) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"PLEASE\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request")
    assert b"application/json" in head
    assert b'"error": "invalid_request"' in body
    assert server.get("/ping").status_code == 200
