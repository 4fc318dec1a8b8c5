"""One core behind every face: `upscale` raises, `handle` answers."""

from __future__ import annotations

import base64
import json
import logging
import math
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from backend.errors import (
    DeadlineError,
    ImageTooLargeError,
    JsonValue,
    PayloadTooLargeError,
    ReplyTooLargeError,
    RequestError,
    SuperResolutionError,
    unexpected_error,
)
from backend.estimate import Estimator
from backend.gate import Gate
from backend.images import (
    MEDIA_TYPES,
    OutputFormat,
    Picture,
    check_output_size,
    decode,
    encode,
    output_format,
)
from backend.options import UpscaleOptions, UpscaleRequest, parse_request
from backend.registry import ModelSpec, Registry
from backend.reply import Reply, body_too_large, error_reply, json_reply, reply_headers
from backend.settings import Settings
from backend.upscaler import Progress, Session, Upscaler, ignore_progress, never_cancelled

log = logging.getLogger("backend.service")

MEBIBYTE = 2**20
BASE64_PIECE = 3 * MEBIBYTE
"""A multiple of 3, so that no part but the last is padded."""

__all__ = [
    "Reply",
    "ResultStore",
    "Service",
    "Source",
    "Upscaled",
    "body_too_large",
    "error_reply",
    "json_reply",
]


@dataclass(frozen=True, kw_only=True)
class Upscaled:
    """A finished result."""

    data: bytes
    """The encoded file."""
    width: int
    height: int
    format: OutputFormat
    model: str
    scale: int
    cleanup: int
    """0-100, as it was used."""
    lr_size: tuple[int, int]
    """(width, height) of the upright input."""
    seconds: float
    """From decoding to encoding, without waiting for a turn."""


class Source(Protocol):
    """Brings the bytes of a request's picture, never more than `max_bytes`."""

    def read(self, request: UpscaleRequest, *, max_bytes: int) -> bytes: ...


class ResultStore(Protocol):
    """Keeps a result and gives out a link to it that expires."""

    def put(self, data: bytes, *, media_type: str, request_id: str) -> str: ...


def unlimited() -> float:
    """For callers whose transport waits as long as it takes."""
    return math.inf


class Service:
    """Holds the loaded networks; made once a process and shared by its threads."""

    def __init__(
        self,
        *,
        registry: Registry,
        open_session: Callable[[ModelSpec], Session],
        source: Source,
        settings: Settings,
        result_store: ResultStore | None = None,
    ) -> None:
        self._registry = registry
        self._open_session = open_session
        self._source = source
        self._settings = settings
        self._result_store = result_store
        self._gate = Gate(max_running=settings.max_running, max_queued=settings.max_queued)
        self._sessions: dict[tuple[str, int], Session] = {}
        self._loading = threading.Lock()
        self._estimator = Estimator(threads=settings.threads)

    @property
    def registry(self) -> Registry:
        """The networks that requests may name."""
        return self._registry

    @property
    def settings(self) -> Settings:
        """As read at the entry point."""
        return self._settings

    @property
    def can_answer_with_links(self) -> bool:
        """Whether there is a results bucket, so that `output` may be `url`."""
        return self._result_store is not None

    @property
    def load(self) -> tuple[int, int]:
        """(running, waiting) just now."""
        return self._gate.load

    def session(self, *, model: str | None, scale: int) -> Session:
        """The network, loaded on first use and kept; ModelError when it cannot be loaded."""
        spec = self._registry.find(name=model or self._settings.model, scale=scale)
        key = (spec.name, spec.scale)
        with self._loading:
            if key not in self._sessions:
                self._sessions[key] = self._open_session(spec)
            return self._sessions[key]

    def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:
        """What an input of (width, height) is expected to take."""
        spec = self._registry.find(name=options.model or self._settings.model, scale=options.scale)
        return self._estimator.seconds(spec, pixels=size[0] * size[1])

    def upscale(
        self,
        data: bytes,
        options: UpscaleOptions,
        *,
        on_progress: Progress = ignore_progress,
        is_cancelled: Callable[[], bool] = never_cancelled,
        seconds_left: Callable[[], float] = unlimited,
    ) -> Upscaled:
        """An encoded picture in, an encoded picture out; raises SuperResolutionError.

        DeadlineError before the work when the estimate is more than `seconds_left`, and between
        tiles when nothing is left.
        """

        def must_stop() -> bool:
            if seconds_left() <= 0:
                raise DeadlineError(
                    "This took longer than the time for one request; send a smaller picture or "
                    "choose a faster model."
                )
            return is_cancelled()

        if len(data) > self._settings.max_image_bytes:
            raise PayloadTooLargeError(
                "The picture has more bytes than the limit of "
                f"{self._settings.max_image_bytes // MEBIBYTE} MiB.",
                max_bytes=self._settings.max_image_bytes,
            )
        spec = self._registry.find(name=options.model or self._settings.model, scale=options.scale)
        with self._gate.turn(is_cancelled=must_stop):
            started = time.perf_counter()
            picture = decode(data, max_side=self._settings.max_side)
            file_format = output_format(picture, options.format)
            self._check_output(picture, spec, file_format, seconds_left=seconds_left())
            session = self.session(model=spec.name, scale=spec.scale)
            cleanup = _cleanup(picture, options)
            running = time.perf_counter()
            sr = Upscaler(session, tile_size=self._settings.tile_size).upscale(
                picture,
                cleanup=cleanup / 100,
                on_progress=on_progress,
                is_cancelled=must_stop,
            )
            self._estimator.learn(
                spec,
                pixels=picture.size[0] * picture.size[1],
                seconds=time.perf_counter() - running,
            )
            encoded = encode(sr, format=file_format, quality=options.quality)
            return Upscaled(
                data=encoded,
                width=sr.size[0],
                height=sr.size[1],
                format=file_format,
                model=spec.name,
                scale=spec.scale,
                cleanup=cleanup,
                lr_size=picture.size,
                seconds=time.perf_counter() - started,
            )

    def _check_output(
        self, picture: Picture, spec: ModelSpec, format: OutputFormat, *, seconds_left: float
    ) -> None:
        width, height = (side * spec.scale for side in picture.size)
        if width * height > self._settings.max_output_pixels:
            raise ImageTooLargeError(
                f"The result would be {width} x {height} pixels; choose a smaller scale.",
                width=width,
                height=height,
            )
        check_output_size(width, height, format=format)
        budget = max(0.0, min(self._settings.time_budget_seconds or math.inf, seconds_left))
        estimate = self._estimator.seconds(spec, pixels=picture.size[0] * picture.size[1])
        if estimate > budget:
            raise DeadlineError(
                f"This would take about {estimate:.0f} seconds and the limit is {budget:.0f}; "
                "send a smaller picture or choose a faster model.",
                estimated_seconds=round(estimate, 1),
                limit_seconds=round(budget, 1),
            )

    def handle(
        self,
        body: bytes,
        request_id: str | None = None,
        *,
        is_cancelled: Callable[[], bool] = never_cancelled,
        seconds_left: Callable[[], float] = unlimited,
    ) -> Reply:
        """A request body in, a reply out; never raises."""
        request_id = request_id or str(uuid.uuid4())
        started = time.perf_counter()
        facts: dict[str, object] = {"bytes_in": len(body)}
        try:
            reply = self._answer(body, request_id, facts, is_cancelled, seconds_left)
        except SuperResolutionError as exc:
            reply = error_reply(exc, request_id=request_id)
            facts["error"] = exc.code
            if exc.status >= 500 and exc.__cause__ is not None:
                log.warning("cause of %s: %r", exc.code, exc.__cause__)
        except Exception:
            log.exception("unexpected failure of request %s", request_id)
            unexpected = unexpected_error()
            reply = error_reply(unexpected, request_id=request_id)
            facts["error"] = unexpected.code
        facts |= {
            "request_id": request_id,
            "status": reply.status,
            "bytes_out": len(reply.body),
            "seconds": round(time.perf_counter() - started, 3),
        }
        log.info("%s", json.dumps(facts))
        return reply

    def _answer(
        self,
        body: bytes,
        request_id: str,
        facts: dict[str, object],
        is_cancelled: Callable[[], bool],
        seconds_left: Callable[[], float],
    ) -> Reply:
        if len(body) > self._settings.max_body_bytes:
            raise body_too_large(self._settings.max_body_bytes)
        request = parse_request(body)
        if request.output == "url" and self._result_store is None:
            raise RequestError(
                "'output': 'url' is not available here: no results bucket is configured.",
                field="output",
            )
        # An unknown model or scale is refused before anything is fetched.
        options = request.options
        self._registry.find(name=options.model or self._settings.model, scale=options.scale)
        data = self._source.read(request, max_bytes=self._settings.max_image_bytes)
        result = self.upscale(
            data, request.options, is_cancelled=is_cancelled, seconds_left=seconds_left
        )
        facts |= {
            "model": result.model,
            "scale": result.scale,
            "format": result.format,
            "width": result.width,
            "height": result.height,
            "cleanup": result.cleanup,
        }
        return self._reply(result, wants_link=request.output == "url", request_id=request_id)

    def _reply(self, result: Upscaled, *, wants_link: bool, request_id: str) -> Reply:
        about: dict[str, JsonValue] = {
            "width": result.width,
            "height": result.height,
            "format": result.format,
            "model": result.model,
            "scale": result.scale,
        }
        limit = self._settings.max_reply_bytes
        wire = 4 * -(-len(result.data) // 3) + len(json.dumps(about)) + 64
        is_too_large = limit is not None and wire > limit
        if is_too_large and self._result_store is None:
            raise ReplyTooLargeError(
                "The result is too large for one answer; choose a smaller scale, "
                "'format': 'jpeg', or, where a results bucket is configured, 'output': 'url'.",
                bytes=wire,
                max_bytes=limit,
            )
        if self._result_store is not None and (wants_link or is_too_large):
            link = self._result_store.put(
                result.data, media_type=MEDIA_TYPES[result.format], request_id=request_id
            )
            return json_reply(200, {"result_url": link, **about}, request_id=request_id)
        head = json.dumps(about)[1:].encode()
        body = b"".join((b'{"result": "', *_base64_pieces(result.data), b'", ', head))
        return Reply(status=200, body=body, headers=reply_headers(request_id))


def _base64_pieces(data: bytes) -> Iterator[bytes]:
    """Python's base64 lets no other thread run meanwhile, so a large result is done in parts."""
    view = memoryview(data)
    for start in range(0, len(data), BASE64_PIECE):
        yield base64.b64encode(view[start : start + BASE64_PIECE])


def _cleanup(picture: Picture, options: UpscaleOptions) -> int:
    """The strength 0-100: as asked, else what the file's JPEG tables tell."""
    if options.cleanup is not None:
        return options.cleanup
    return 0 if picture.jpeg_quality is None else 100 - picture.jpeg_quality
