"""The requests of callers, and the server's other work meanwhile."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection

import pytest
import requests
from PIL import Image

from backend import __version__
from backend.models.manifest import SHIPPED, ModelSpec, read_manifest
from tests.hostile.corpus import CORPUS, Case, assert_right
from tests.http.conftest import (
    Server,
    StartServer,
    encode_base64,
    long_request,
    small_request,
    until,
)
from tests.pictures import gradient_png

PATHS = ("/resolution", "/prod/resolution", "/v1/resolution", "/invocations")
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": (
        "Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token,"
        "X-Request-Id,X-Amzn-SageMaker-Custom-Attributes"
    ),
    "Access-Control-Allow-Methods": "OPTIONS,POST",
    "Access-Control-Expose-Headers": (
        "Retry-After,X-Request-Id,X-Amzn-SageMaker-Custom-Attributes"
    ),
}


def read_picture(answer: requests.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    opened = Image.open(io.BytesIO(base64.b64decode(answer.json()["result"])))
    opened.load()
    return opened


@pytest.mark.parametrize("path", PATHS)
def test_a_call_as_version_1_makes_it(server: Server, path: str) -> None:
    answer = server.post(small_request(scale="2"), path)
    content = answer.json()
    assert set(content) == {"result", "width", "height", "format", "model", "scale"}
    assert (content["width"], content["height"], content["scale"]) == (40, 20, 2)
    with read_picture(answer) as picture:
        assert picture.size == (40, 20)
        assert picture.format == "PNG"


@pytest.mark.parametrize("spec", read_manifest(SHIPPED), ids=lambda s: f"{s.name} x{s.scale}")
def test_every_network_answers_at_its_scale(server: Server, spec: ModelSpec) -> None:
    assert {"name": spec.name, "scale": spec.scale} in server.get("/ping").json()["models"]
    answer = server.post(small_request(model=spec.name, scale=spec.scale))
    with read_picture(answer) as picture:
        assert picture.size == (20 * spec.scale, 10 * spec.scale)
    assert answer.json()["model"] == spec.name


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_the_format_is_as_asked(server: Server, format: str) -> None:
    with read_picture(server.post(small_request(format=format))) as picture:
        assert picture.format == format.upper()


def test_a_data_address_is_a_picture_too(server: Server) -> None:
    img = "data:image/png;base64," + encode_base64(gradient_png(20, 10))
    assert server.post({"img": img}).status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"Content-Type": "Application/JSON; charset=utf-8"}], ids=str
)
def test_the_type_may_be_missing_or_have_parameters(
    server: Server, headers: dict[str, str]
) -> None:
    body = json.dumps(small_request()).encode()
    assert server.request("POST", "/resolution", data=body, headers=headers).status_code == 200


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_a_compressed_body_is_refused_by_name(server: Server, coding: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    body = gzip.compress(json.dumps(small_request()).encode())
    answer = server.request("POST", "/resolution", data=body, headers=headers)
    assert answer.status_code == 415
    assert "compression" in answer.json()["message"]


def test_a_body_with_two_types_is_refused(server: Server) -> None:
    body = json.dumps(small_request()).encode()
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=30)) as connection:
        connection.putrequest("POST", "/resolution")
        for media_type in ("application/json", "text/plain"):
            connection.putheader("Content-Type", media_type)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        assert answer.status == 400
        assert "'Content-Type' is given twice" in json.load(answer)["message"]


def test_the_callers_request_id_comes_back(server: Server) -> None:
    answer = server.post(small_request(), headers={"X-Request-Id": "abc-123"})
    assert answer.headers["X-Request-Id"] == "abc-123"
    assert server.logged("abc-123")["status"] == 200


@pytest.mark.parametrize("given", ["a b", "x" * 65, "<script>", "a,b"])
def test_a_strange_request_id_is_replaced(server: Server, given: str) -> None:
    answer = server.post({}, headers={"X-Request-Id": given})
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["X-Request-Id"])
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("path", [*PATHS, "/ping", "/openapi.json", "/nowhere"])
def test_pages_of_any_origin_may_ask(server: Server, path: str) -> None:
    preflight = server.request(
        "OPTIONS",
        path,
        headers={
            "Origin": "https://a.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-api-key",
        },
    )
    assert preflight.status_code == 204
    for answer in (preflight, server.get(path), server.post({}, path)):
        assert {name: answer.headers.get(name) for name in CORS} == CORS


def test_ping_tells_what_is_there(server: Server) -> None:
    answer = server.get("/ping")
    facts = answer.json()
    assert answer.status_code == 200
    assert facts["status"] == "ok"
    assert facts["version"] == __version__
    assert "CPUExecutionProvider" in facts["providers"]
    assert {"name": "damaged", "scale": 2} in facts["models"]
    assert any("'damaged'" in warning for warning in facts["warnings"])


def test_ping_answers_while_a_picture_is_worked_on(server: Server) -> None:
    answers: list[requests.Response] = []
    work = threading.Thread(target=lambda: answers.append(server.post(long_request())))
    work.start()
    until(lambda: server.load()[0] == 1)
    answer = server.get("/ping")
    assert answer.status_code == 200
    assert answer.json()["running"] == 1, "the work ended too early for this test"
    work.join()
    assert answers[0].status_code == 200


def test_a_caller_who_hangs_up_stops_the_work(server: Server) -> None:
    body = json.dumps({**long_request(), "scale": 4, "model": "quality"}).encode()
    host, port = server.address.removeprefix("http://").split(":")
    head = (
        f"POST /resolution HTTP/1.1\r\nHost: {host}\r\nX-Request-Id: gone\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + body)
        until(lambda: server.load()[0] == 1)
    until(lambda: server.load() == (0, 0))
    assert server.logged("gone")["error"] == "cancelled"


def test_twenty_callers_at_once_all_get_their_own_picture(start_server: StartServer) -> None:
    server = start_server(SR_MAX_QUEUED="30")
    sizes = [(10 + number, 30 - number) for number in range(20)]

    def ask(size: tuple[int, int]) -> tuple[int, int]:
        with read_picture(server.post({"img": encode_base64(gradient_png(*size))})) as picture:
            return picture.size

    with ThreadPoolExecutor(20) as callers:
        answers = list(callers.map(ask, sizes))
    assert answers == [(2 * width, 2 * height) for width, height in sizes]


def test_a_body_that_says_it_is_too_long_is_not_read(server: Server) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(
            b"POST /resolution HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n"
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 413")


def test_a_body_without_a_length_is_counted(tight_server: Server) -> None:
    host, port = tight_server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(
            b"POST /resolution HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(10):
            connection.sendall(b"2000\r\n" + bytes(0x2000) + b"\r\n")
        # The body has not ended, and never will.
        assert connection.recv(65536).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("case", CORPUS, ids=str)
def test_the_corpus_over_http(server: Server, case: Case) -> None:
    answer = server.post({"img": encode_base64(case.make())})
    content = answer.json()
    if case.code is None:
        assert answer.status_code == 200, content
        assert_right(case, base64.b64decode(content["result"]), scale=2)
    else:
        assert content["error"] == (case.request_code or case.code), content
        assert 400 <= answer.status_code < 500
