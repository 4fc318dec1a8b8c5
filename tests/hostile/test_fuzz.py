"""Every reader of untrusted bytes, fuzzed: a result or a named error, and nothing else.

Ten seconds a target here, hours by `make fuzz`. Findings become named cases, in the corpus or
below.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend import RequestHandler, Settings, UpscaleOptions
from backend.aws.api_gateway import answer_event
from backend.engine import Upscaled, Watch
from backend.errors import (
    ImageError,
    ModelError,
    RequestError,
    SourceNotAllowedError,
    SuperResolutionError,
)
from backend.images.formats import PNG, format_from_signature
from backend.images.picture import decode
from backend.images.segments import lean_file
from backend.models.manifest import MANIFEST, SHIPPED, read_manifest
from backend.models.onnx_file import check_network_file
from backend.requests.sources.any_source import AnySource
from backend.requests.sources.scheme import scheme_from
from backend.requests.sources.web_address import parse_web_address
from benchmarks.hostile_files import png_with
from benchmarks.mutations import hurt_text
from testbed.aws.api_event import read_event, upscale_event
from tests.hostile.corpus import GOOD, jpeg
from tests.hostile.fuzzing import fuzz

ADDRESSES = (
    b"https://example.com/cat.jpg",
    b"http://user@example.com:8080/a?b#c",
    b"s3://bucket/key with spaces",
    b"http://[2001:db8::1]/x",
    "https://b\u00fccher.example/\u00fc".encode(),
)
BODIES = tuple(
    json.dumps(body).encode()
    for body in (
        {"img": "AAAA", "scale": 2},
        {"url": "https://example.com/a.png", "scale": "4", "model": "fast"},
        {"img": "data:image/png;base64,AAAA", "format": "png", "output": "base64", "cleanup": 50},
        {"img": "A" * 400},
    )
)


SETTINGS = Settings(allow_web_sources=False)


class NoEngine:
    """An engine that answers at once: only the code in front of it is fuzzed."""

    @property
    def models(self) -> dict[str, list[int]]:
        return {"fast": [2, 4]}

    @property
    def details(self) -> dict[str, int]:
        return {}

    def upscale(self, data: bytes, options: UpscaleOptions, *, watch: Watch = Watch()) -> Upscaled:
        return Upscaled(
            data=b"1",
            width=1,
            height=1,
            format="png",
            model="fast",
            scale=options.scale,
            lr_size=(1, 1),
            seconds=0.0,
        )

    def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:
        return 0.0


class Context:
    """The context of Lambda."""

    aws_request_id = "0"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture(scope="module")
def handler() -> RequestHandler:
    """A handler whose source fetches nothing."""
    return RequestHandler(NoEngine(), AnySource(SETTINGS), SETTINGS)


@pytest.fixture(autouse=True)
def quiet_log() -> Any:
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


def assert_survives(
    target: Callable[[bytes], None], seeds: tuple[bytes, ...], **options: Any
) -> None:
    found = fuzz(target, seeds, **options)
    assert found is None, str(found)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pictures() -> None:
    def read(data: bytes) -> None:
        try:
            decode(data, max_side=256)
        except SuperResolutionError as exc:
            assert exc.code in {"invalid_image", "image_too_large", "unsupported_media_type"}

    small = tuple(data for data in (case.make() for case in GOOD) if len(data) < 20_000)
    assert_survives(read, small, least=1000)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_containers() -> None:
    """A lean file of a lean file is the same."""

    def walk(data: bytes) -> None:
        found = format_from_signature(data)
        if found is None or not found.is_readable:
            return
        try:
            lean = lean_file(data, file_format=found).data
        except SuperResolutionError:
            return
        assert lean_file(lean, file_format=found).data == lean

    small = tuple(data for data in (case.make() for case in GOOD) if len(data) < 20_000)
    assert_survives(walk, small, least=5000)


def test_request_bodies(handler: RequestHandler) -> None:
    def ask(data: bytes) -> None:
        reply = handler.handle(data)
        assert reply.status < 500, reply.body
        json.loads(reply.body.decode("utf-8"))

    assert_survives(ask, BODIES, least=2000, hurt=hurt_text)


def test_addresses() -> None:
    def parse(data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        try:
            if scheme_from(text) != "s3":
                assert parse_web_address(text, any_port=False).startswith("http")
        except (RequestError, SourceNotAllowedError):
            pass

    assert_survives(parse, ADDRESSES, least=1000, hurt=hurt_text)


def test_manifests(tmp_path: Path) -> None:
    def read(data: bytes) -> None:
        (tmp_path / MANIFEST).write_bytes(data)
        try:
            for spec in read_manifest(tmp_path):
                assert spec.path.resolve().is_relative_to(tmp_path.resolve())
        except ModelError as exc:
            assert str(tmp_path) not in exc.message

    assert_survives(read, ((SHIPPED / MANIFEST).read_bytes(),), least=500, hurt=hurt_text)


def test_networks() -> None:
    def check(data: bytes) -> None:
        with contextlib.suppress(ModelError):
            check_network_file(data)

    assert_survives(check, tuple(p.read_bytes() for p in SHIPPED.glob("fast*.onnx")), least=50)


def test_events(handler: RequestHandler) -> None:
    def check(data: bytes) -> None:
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            return
        answer = answer_event(event, Context(), lambda: handler, SETTINGS)
        json.dumps(answer)
        assert int(str(answer["statusCode"])) < 500, answer
        assert isinstance(answer["body"], str)

    seeds = tuple(
        json.dumps(event).encode()
        for event in (read_event("post"), read_event("get"), upscale_event(jpeg()))
    )
    assert_survives(check, seeds, least=500, hurt=hurt_text)


# What was found, by name.


def test_a_png_that_begins_with_its_pixels_is_damaged() -> None:
    whole = png_with()
    with pytest.raises(ImageError):
        lean_file(whole[:8] + whole[33:], file_format=PNG)


def test_half_a_character_is_refused_in_words(handler: RequestHandler) -> None:
    for body in (
        b'{"img": "AAAA", "\\ud800": 1}',
        b'{"img": "AAAA", "model": "\\ud800"}',
        b'{"url": "https://example.com/\\udfff"}',
        b'{"img": "\\ud800"}',
    ):
        reply = handler.handle(body)
        assert reply.status == 400
        assert json.loads(reply.body.decode("utf-8"))["error"] == "invalid_request"


def test_a_body_of_millions_of_lists_is_not_even_parsed(handler: RequestHandler) -> None:
    reply = handler.handle(b"[" + b"[]," * 15_000_000 + b"[]]")
    assert reply.status == 400


def test_an_event_with_a_strange_id_is_answered(handler: RequestHandler) -> None:
    strange_ids: list[object] = ["\ud800", "a\r\nb: c", "x" * 10_000, "", 5, None, {}]
    for strange in strange_ids:
        event = read_event("post") | {"requestContext": {"requestId": strange}, "body": "{}"}
        answer = answer_event(event, Context(), lambda: handler, SETTINGS)
        assert answer["statusCode"] == 400
        headers: Any = answer["headers"]
        assert headers["X-Request-Id"].isascii()
        assert len(headers["X-Request-Id"]) <= 64


def test_an_event_of_a_time_beyond_all_numbers_is_answered(handler: RequestHandler) -> None:
    for epoch in (10**400, -(10**400), float("inf"), float("nan")):
        event = upscale_event(jpeg()) | {"requestContext": {"requestTimeEpoch": epoch}}
        assert answer_event(event, Context(), lambda: handler, SETTINGS)["statusCode"] == 200
