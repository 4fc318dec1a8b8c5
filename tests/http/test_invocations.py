"""A picture's own bytes on `/invocations`, as SageMaker's queue and its batches send them."""

from __future__ import annotations

import base64
import io
import socket
from collections.abc import Callable
from typing import Any

import pytest
import requests
from PIL import Image

from backend.images.formats import FORMATS
from backend.requests.reply import ATTRIBUTES
from tests.hostile.corpus import CORPUS, Case, assert_right
from tests.http.conftest import Server, StartServer, encode_base64
from tests.http.test_errors import assert_error
from tests.pictures import gradient_png, save

PNG = gradient_png(20, 10)
Headers = dict[str, str]


def invoke(
    server: Server, data: bytes, headers: Headers | None = None, query: str = ""
) -> requests.Response:
    """Send without `Accept` unless it is given; requests would add its own."""
    sent: dict[str, Any] = {"Content-Type": "image/png", "Accept": None, **(headers or {})}
    return server.request("POST", f"/invocations{query}", data=data, headers=sent)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_the_picture_is_the_one_that_json_answers(
    server: Server, photo_bytes: Callable[..., bytes], format: str
) -> None:
    data = photo_bytes(format)
    by_json = server.post({"img": encode_base64(data)}, "/invocations").json()
    answer = invoke(server, data, {"Content-Type": f"image/{format.lower()}"})
    assert answer.status_code == 200, answer.text
    assert answer.content == base64.b64decode(by_json.pop("result"))
    assert answer.headers["Content-Type"] == FORMATS[by_json["format"]].media_type
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    facts = dict(part.split("=") for part in answer.headers[ATTRIBUTES].split(","))
    assert facts == {name: str(value) for name, value in by_json.items()}


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({ATTRIBUTES: "scale=4,model=quality,format=webp,cleanup=30"}, ""),
        ({}, "?scale=4&model=quality&format=webp&cleanup=30"),
        ({ATTRIBUTES.upper(): "scale=4, format=webp"}, "?model=quality&cleanup=30"),
    ],
    ids=["attributes", "query", "both"],
)
def test_options_are_those_of_json(
    server: Server, photo_bytes: Callable[..., bytes], headers: Headers, query: str
) -> None:
    data = photo_bytes("JPEG")
    fields = {"scale": 4, "model": "quality", "format": "webp", "cleanup": 30}
    by_json = server.post({"img": encode_base64(data), **fields}).json()
    answer = invoke(server, data, headers, query)
    assert answer.content == base64.b64decode(by_json["result"])
    assert answer.headers["Content-Type"] == "image/webp"


@pytest.mark.parametrize(
    "content_type",
    ["IMAGE/PNG", "image/png; charset=binary", "application/octet-stream", "image/anything"],
)
def test_the_picture_s_type_is_found_by_its_content(server: Server, content_type: str) -> None:
    answer = invoke(server, PNG, {"Content-Type": content_type})
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert (picture.format, picture.size) == ("PNG", (40, 20))


@pytest.mark.parametrize("accept", ["*/*", "image/*", "image/png", "text/html, image/*;q=0.1"])
def test_a_caller_who_takes_pictures_gets_one(server: Server, accept: str) -> None:
    answer = invoke(server, PNG, {"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")


def test_a_type_that_is_accepted_chooses_the_format(server: Server) -> None:
    answer = invoke(server, PNG, {"Accept": "image/jpeg"})
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.format == "JPEG"


@pytest.mark.parametrize("accept", ["application/json", "application/json, image/*;q=0.5"])
def test_a_caller_who_takes_json_gets_that_of_json(server: Server, accept: str) -> None:
    by_json = server.post({"img": encode_base64(PNG)}).json()
    answer = invoke(server, PNG, {"Accept": accept})
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == by_json


def test_json_is_answered_as_before_whatever_is_said_beside_it(server: Server) -> None:
    body = {"img": encode_base64(PNG)}
    headers = {"Accept": "image/*", ATTRIBUTES: "trace 17"}
    answer = server.post(body, "/invocations", headers=headers)
    assert answer.json() == server.post(body).json()


@pytest.mark.parametrize("path", ["/invocations", "/resolution"])
def test_a_query_beside_json_is_refused(server: Server, path: str) -> None:
    answer = server.post({"img": encode_base64(PNG)}, f"{path}?scale=4")
    assert_error(answer, "invalid_request", 400)
    assert answer.json()["details"]["field"] == "scale"


@pytest.mark.parametrize("case", CORPUS, ids=str)
def test_the_corpus_as_raw_bytes(server: Server, case: Case) -> None:
    answer = invoke(server, case.make())
    if case.code is None:
        assert answer.status_code == 200, answer.text
        assert_right(case, answer.content, scale=2)
    else:
        assert_error(answer, case.request_code or case.code, answer.status_code)
        assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    ("headers", "query", "field"),
    [
        ({ATTRIBUTES: "size=4"}, "", "size"),
        ({ATTRIBUTES: "scale"}, "", ATTRIBUTES),
        ({ATTRIBUTES: "scale=2"}, "?scale=2", "scale"),
        ({}, "?scale=two", "scale"),
        ({}, "?output=url", "output"),
        ({}, "?cleanup=101", "cleanup"),
        ({}, "?model=fast&detail=5", "detail"),
        ({"Accept": "text/plain"}, "", "Accept"),
        ({"Accept": "image/png"}, "?format=jpeg", "Accept"),
    ],
)
def test_a_wrong_option_is_refused_with_its_field(
    server: Server, headers: Headers, query: str, field: str
) -> None:
    answer = invoke(server, PNG, headers, query)
    assert_error(answer, "invalid_request", 400)
    assert answer.json()["details"]["field"] == field


@pytest.mark.parametrize(
    ("data", "headers", "query", "code", "status"),
    [
        (PNG, {"Content-Type": "text/plain"}, "", "unsupported_media_type", 415),
        (PNG, {"Content-Type": "image"}, "", "unsupported_media_type", 415),
        (b"just a text", {}, "", "unsupported_media_type", 415),
        (b"", {}, "", "invalid_request", 400),
        (PNG, {}, "?scale=3", "unsupported_scale", 400),
        (PNG, {}, "?model=best", "unknown_model", 400),
        (PNG, {}, "?model=damaged", "model_unavailable", 503),
    ],
    ids=str,
)
def test_errors_are_those_of_json(
    server: Server, data: bytes, headers: Headers, query: str, code: str, status: int
) -> None:
    assert_error(invoke(server, data, headers, query), code, status)


@pytest.mark.parametrize("path", ["/resolution", "/prod/resolution"])
def test_no_other_path_takes_raw_bytes(server: Server, path: str) -> None:
    for content_type in ("image/png", "application/octet-stream"):
        answer = server.request("POST", path, data=PNG, headers={"Content-Type": content_type})
        assert_error(answer, "unsupported_media_type", 415)


@pytest.mark.parametrize(("size", "what"), [(70_000, "request"), (40_000, "picture")])
def test_too_many_bytes_are_refused(tight_server: Server, size: int, what: str) -> None:
    answer = invoke(tight_server, bytes(size))
    assert_error(answer, "payload_too_large", 413)
    assert answer.json()["message"].startswith(f"The {what} has more bytes")


def test_a_body_without_a_length_is_counted(tight_server: Server) -> None:
    """A batch sends its pictures in chunks."""
    host, port = tight_server.address.removeprefix("http://").split(":")
    head = (
        b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(PNG), PNG))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head)
        for _ in range(10):
            connection.sendall(b"2000\r\n" + bytes(0x2000) + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413")


def test_a_result_that_the_transport_cannot_carry_is_refused(tight_server: Server) -> None:
    noise = save(Image.effect_noise((20, 20), 99), "PNG")
    answer = invoke(tight_server, noise, query="?scale=4")
    assert_error(answer, "reply_too_large", 413)
    assert answer.json()["details"]["bytes"] > answer.json()["details"]["max_bytes"] == 4000


def test_pixels_time_and_the_token_bound_it_too(
    tight_server: Server, start_server: StartServer
) -> None:
    assert_error(invoke(tight_server, gradient_png(101, 101)), "image_too_large", 422)
    hurried = start_server(SR_TIME_BUDGET_SECONDS="2")
    large = gradient_png(4096, 4096)
    assert_error(invoke(hurried, large, query="?scale=4&format=jpeg"), "would_time_out", 413)
    closed = start_server(SR_SERVER_TOKEN="open-sesame")
    assert_error(invoke(closed, PNG, query="?size=4"), "missing_authentication", 401)
    right = {"Authorization": "Bearer open-sesame"}
    assert invoke(closed, PNG, right).status_code == 200


def test_a_client_sends_only_so_many_bytes_at_once(start_server: StartServer) -> None:
    server = start_server(SR_CLIENT_BYTES_IN_FLIGHT="500")
    assert len(PNG) < 500
    assert invoke(server, PNG).status_code == 200
    assert_error(invoke(server, bytes(501)), "too_many_requests", 429)


def test_the_line_in_the_log_has_the_facts_of_every_request(server: Server) -> None:
    assert invoke(server, PNG, {"X-Request-Id": "raw-1"}).headers["X-Request-Id"] == "raw-1"
    assert invoke(server, PNG, {"X-Request-Id": "raw-2"}, "?size=4").status_code == 400
    done, refused = server.logged("raw-1"), server.logged("raw-2")
    assert (done["bytes_in"], done["status"], done["width"]) == (len(PNG), 200, 40)
    assert {"model", "scale", "format", "stages", "engine_seconds", "bytes_out"} <= set(done)
    assert (refused["status"], refused["error"]) == (400, "invalid_request")
