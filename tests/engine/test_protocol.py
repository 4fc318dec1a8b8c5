"""Every request gets a reply, with any engine behind it."""

from __future__ import annotations

import base64
import errno
import json
import logging
import tracemalloc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from backend import Reply, RequestHandler, Settings, Upscaled, UpscaleOptions, Watch
from backend.errors import (
    BusyError,
    ModelError,
    RequestError,
    SourceNotFoundError,
    UnsupportedMediaTypeError,
)
from backend.requests.handler import check_json, refuse
from backend.requests.parsing import FILE, Body, UpscaleRequest
from backend.requests.reply import ATTRIBUTES

RESULT = Upscaled(
    data=b"file",
    width=4,
    height=6,
    format="png",
    model="fast",
    scale=2,
    cleanup=0,
    lr_size=(2, 3),
    seconds=0.1,
)
LINKED = Upscaled(
    link="https://a.example/x", width=4, height=6, format="png", model="fast", scale=2,
    lr_size=(2, 3), seconds=0.1,
)  # fmt: skip


@dataclass
class Recorder:
    """An engine and a source that answer as told, and record what they are asked."""

    outcome: Upscaled | Exception = RESULT
    models: Mapping[str, Sequence[int]] = field(default_factory=lambda: {"fast": (2, 4)})
    asked: list[object] = field(default_factory=list)

    def upscale(self, data: bytes, options: UpscaleOptions, *, watch: Watch = Watch()) -> Upscaled:
        self.asked.append(options)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    @property
    def details(self) -> dict[str, int]:
        return {}

    def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:
        return 0.0

    def read(self, request: UpscaleRequest, *, max_bytes: int, watch: Watch = Watch()) -> bytes:
        self.asked.append(max_bytes)
        return b"data"


@dataclass
class Shelf:
    """A store of results."""

    stored: list[tuple[bytes, str, str]] = field(default_factory=list)

    def put(self, data: bytes, *, media_type: str, request_id: str) -> str:
        self.stored.append((data, media_type, request_id))
        return "https://b.example/y"


def ask(
    recorder: Recorder,
    shelf: Shelf | None = None,
    *,
    settings: Settings | None = None,
    **body: Any,
) -> tuple[Reply, dict[str, Any]]:
    handler = RequestHandler(recorder, recorder, settings or Settings(), shelf)
    reply = handler.handle(json.dumps({"img": "AA==", **body}).encode(), "id-1")
    return reply, json.loads(reply.body)


def test_a_result_is_answered_with_the_facts_about_it() -> None:
    reply, content = ask(Recorder())
    assert reply.status == 200
    assert reply.headers["X-Request-Id"] == "id-1"
    assert content == {
        "result": base64.b64encode(b"file").decode(),
        "width": 4,
        "height": 6,
        "format": "png",
        "model": "fast",
        "scale": 2,
    }


def test_an_answer_tells_what_its_result_lacks() -> None:
    told = replace(RESULT, notes=("first_frame", "hdr"))
    assert ask(Recorder(told))[1]["notes"] == ["first_frame", "hdr"]
    raw = UpscaleRequest(options=UpscaleOptions(), output=FILE)
    handler = RequestHandler(Recorder(told), Recorder(told), Settings())
    attributes = handler.handle(b"x", raw=raw).headers[ATTRIBUTES]
    assert attributes.endswith(",notes=first_frame%2Chdr")


def test_a_link_of_the_engine_is_passed_on() -> None:
    shelf = Shelf()
    reply, content = ask(Recorder(LINKED), shelf, output="url")
    assert (reply.status, content["result_url"]) == (200, "https://a.example/x")
    assert not shelf.stored


@pytest.mark.parametrize(
    ("output", "max_reply_bytes"), [("url", None), ("base64", 10)], ids=["asked for", "too large"]
)
def test_a_result_is_stored(output: str, max_reply_bytes: int | None) -> None:
    shelf = Shelf()
    settings = Settings(max_reply_bytes=max_reply_bytes)
    _, content = ask(Recorder(), shelf, settings=settings, output=output)
    assert content["result_url"] == "https://b.example/y"
    assert shelf.stored == [(b"file", "image/png", "id-1")]


def test_without_a_store_a_link_is_refused_before_the_work_and_a_large_result_after() -> None:
    recorder = Recorder()
    reply, content = ask(recorder, output="url")
    assert (reply.status, content["details"]) == (400, {"field": "output"})
    assert not recorder.asked
    reply, content = ask(Recorder(), settings=Settings(max_reply_bytes=10))
    assert (reply.status, content["error"]) == (413, "reply_too_large")


def send(
    outcome: Upscaled, shelf: Shelf | None, *, output: str, max_reply_bytes: int | None = None
) -> Reply:
    """A picture's own bytes."""
    recorder = Recorder(outcome)
    settings = Settings(max_reply_bytes=max_reply_bytes)
    raw = UpscaleRequest(options=UpscaleOptions(), output=output)
    return RequestHandler(recorder, recorder, settings, shelf).handle(b"data", "id-1", raw=raw)


def test_a_file_is_answered_as_it_is_and_never_stored() -> None:
    shelf = Shelf()
    reply = send(RESULT, shelf, output=FILE, max_reply_bytes=4)
    assert (reply.status, reply.body) == (200, b"file")
    assert reply.headers == {
        "Content-Type": "image/png",
        "X-Request-Id": "id-1",
        ATTRIBUTES: "width=4,height=6,format=png,model=fast,scale=2",
    }
    refused = send(RESULT, shelf, output=FILE, max_reply_bytes=3)
    assert (refused.status, json.loads(refused.body)["error"]) == (413, "reply_too_large")
    assert "'Accept: application/json'" in refused.body.decode()
    assert not shelf.stored


def test_raw_bytes_may_be_answered_with_a_link_in_json() -> None:
    stored = send(RESULT, Shelf(), output="base64", max_reply_bytes=3)
    assert json.loads(stored.body)["result_url"] == "https://b.example/y"
    linked = send(LINKED, None, output=FILE)
    assert linked.headers["Content-Type"] == "application/json"
    assert json.loads(linked.body)["result_url"] == "https://a.example/x"


@pytest.mark.parametrize(
    ("fields", "code"), [({"model": "best"}, "unknown_model"), ({"scale": 4}, "unsupported_scale")]
)
def test_a_network_that_is_not_there_is_refused_before_the_picture_is_brought(
    fields: dict[str, Any], code: str
) -> None:
    recorder = Recorder(models={"fast": (2,)})
    assert ask(recorder, **fields)[1]["error"] == code
    assert not recorder.asked


def test_an_engine_that_does_not_know_its_networks_is_asked() -> None:
    recorder = Recorder(models={})
    assert ask(recorder, model="best")[0].status == 200
    assert recorder.asked[-1] == UpscaleOptions(model="best")


def test_a_body_over_the_limit_is_not_parsed() -> None:
    reply, content = ask(Recorder(), settings=Settings(max_body_bytes=3))
    assert (reply.status, content["error"]) == (413, "payload_too_large")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (SourceNotFoundError(), 404, "source_not_found"),
        (ModelError("It is broken."), 503, "model_unavailable"),
        (ZeroDivisionError("a secret"), 500, "internal_error"),
    ],
)
def test_every_failure_is_a_reply(
    error: Exception, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        reply, content = ask(Recorder(error))
    assert (reply.status, content["error"]) == (status, code)
    assert "secret" not in reply.body.decode()
    assert ("secret" in caplog.text) == isinstance(error, ZeroDivisionError)
    line = json.loads(caplog.records[-1].getMessage())
    assert (line["request_id"], line["status"], line["error"]) == ("id-1", status, code)


def test_busy_says_when_to_come_back() -> None:
    reply, _ = ask(Recorder(BusyError(seconds=5.2)))
    assert reply.headers["Retry-After"] == "6"


def test_the_cause_of_an_error_of_ours_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    error = ModelError("It is broken.")
    error.__cause__ = OSError(errno.ENOSPC, "/secret/place")
    refuse(error, request_id="id-2")
    assert "OSError (ENOSPC)" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("given", [None, "", "application/json", "Application/JSON; charset=utf-8"])
def test_json_may_be_said_in_many_ways(given: str | None) -> None:
    check_json(given, ())


@pytest.mark.parametrize("given", ["text/plain", "image/png", "application/jsonp", ";"])
def test_other_content_types_are_refused(given: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        check_json(given, ())


def test_nobody_holds_the_body_while_the_engine_works() -> None:
    """The body, its text and the base64 in it are gone; the picture's bytes remain."""
    held: list[int] = []

    class Measuring(Recorder):
        def upscale(
            self, data: bytes, options: UpscaleOptions, *, watch: Watch = Watch()
        ) -> Upscaled:
            held.append(tracemalloc.get_traced_memory()[0])
            return RESULT

    size = 8 * 2**20
    handler = RequestHandler(Measuring(), Measuring(), Settings())
    tracemalloc.start()
    try:
        body = Body(b'{"img": "' + b"A" * size + b'"}')
        assert handler.handle(body, "id-1").status == 200
    finally:
        tracemalloc.stop()
    assert held[0] < size // 8


def test_a_query_beside_json_is_refused() -> None:
    check_json(None, [("X-Amz-Date", "x")])
    with pytest.raises(RequestError, match="'scale' is in the query"):
        check_json("application/json", [("scale", "4")])
