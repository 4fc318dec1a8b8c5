"""Turns a request's body into a reply, for every transport and with any engine.

Nothing heavy is imported: the engine is handed in, and sources import their libraries late.
"""

from __future__ import annotations

import base64
import json
import logging
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Protocol

from backend.engine import Engine, Upscaled, Watch
from backend.errors import (
    BusyError,
    JsonValue,
    PayloadTooLargeError,
    ReplyTooLargeError,
    RequestError,
    SuperResolutionError,
    UnsupportedMediaTypeError,
)
from backend.images.formats import FORMATS
from backend.logs import cause_in_words
from backend.options import check_model
from backend.requests.parsing import FILE, Body, UpscaleRequest, parse_request
from backend.requests.raw_body import (
    JSON,
    attributes_from,
    check_query,
    media_type_from,
    with_picture,
)
from backend.requests.reply import ATTRIBUTES, Reply, error_reply, json_reply, reply_headers
from backend.requests.s3_results import results_from
from backend.requests.sources.any_source import AnySource
from backend.settings import Settings

log = logging.getLogger("backend.requests")

Admit = Callable[[], AbstractContextManager[None]]
"""Called once the picture has arrived; the engine works within the returned context."""
BASE64_PIECE = 3 * 2**20
"""Bytes; a multiple of 3, so that only the last part is padded."""


class Source(Protocol):
    """Reads a request's picture, never more than `max_bytes` bytes of it."""

    def read(self, request: UpscaleRequest, *, max_bytes: int, watch: Watch = ...) -> bytes: ...


class ResultStore(Protocol):
    """Keeps a result and gives out a link to it that expires."""

    def put(self, data: bytes, *, media_type: str, request_id: str) -> str: ...


class RequestHandler:
    """Made once a process and shared by its threads."""

    def __init__(
        self,
        engine: Engine,
        source: Source,
        settings: Settings,
        result_store: ResultStore | None = None,
    ) -> None:
        self.engine = engine
        self.settings = settings
        self._source = source
        self._result_store = result_store

    @classmethod
    def from_settings(cls, engine: Engine, settings: Settings) -> RequestHandler:
        """Make a handler with the sources and the results bucket that the settings allow."""
        return cls(engine, AnySource(settings), settings, results_from(settings))

    def handle(
        self,
        body: bytes | Body,
        request_id: str | None = None,
        *,
        raw: UpscaleRequest | None = None,
        watch: Watch = Watch(),
        admit: Admit = nullcontext,
    ) -> Reply:
        """Answer a request whose body is JSON, or the `raw` picture; never raise.

        A `Body` is empty afterwards, so that nobody holds it while the engine works. The engine
        works in the context of `admit`, which may refuse.
        """
        request_id = request_id or str(uuid.uuid4())
        started = time.perf_counter()
        body = Body(body) if isinstance(body, bytes) else body
        facts: dict[str, object] = {"bytes_in": body.size}
        try:
            reply = self._answer(body, request_id, facts, raw=raw, watch=watch, admit=admit)
        except Exception as exc:  # noqa: BLE001 - reported by the reply and the log
            return refuse(exc, request_id=request_id, facts=facts, started=started)
        return _log(reply, request_id=request_id, facts=facts, started=started)

    def _answer(
        self,
        body: Body,
        request_id: str,
        facts: dict[str, object],
        *,
        raw: UpscaleRequest | None,
        watch: Watch,
        admit: Admit,
    ) -> Reply:
        if body.size > self.settings.max_body_bytes:
            raise PayloadTooLargeError.over(self.settings.max_body_bytes, what="request")
        data = body.take()
        request = parse_request(data) if raw is None else with_picture(raw, data)
        del data
        if request.output == "url" and self._result_store is None:
            raise RequestError(
                "'output': 'url' is not available here: no results bucket is configured.",
                field="output",
            )
        # An unknown model or scale is refused before anything is fetched.
        models, options = self.engine.models, request.options
        if models:
            check_model(models, name=options.model or next(iter(models)), scale=options.scale)
        output, max_bytes = request.output, self.settings.max_image_bytes
        data = self._source.read(request, max_bytes=max_bytes, watch=watch)
        del request  # It may hold the picture as base64 during long work.
        with admit():
            result = self.engine.upscale(data, options, watch=watch)
        facts |= {
            "model": result.model,
            "scale": result.scale,
            "format": result.format,
            "width": result.width,
            "height": result.height,
            "cleanup": result.cleanup,
            "detail": result.detail,
            "engine_seconds": round(result.seconds, 3),
            "stages": dict(result.stages),
        }
        return self._reply(result, output=output, request_id=request_id)

    def _reply(self, result: Upscaled, *, output: str, request_id: str) -> Reply:
        if output == FILE and result.link is None:
            return self._file_reply(result, request_id=request_id)
        about, link = _about(result), result.link
        limit = self.settings.max_reply_bytes
        wire = 4 * -(-len(result.data) // 3) + len(json.dumps(about)) + 64
        is_stored = output == "url" or (limit is not None and wire > limit)
        if link is None and self._result_store is not None and is_stored:
            link = self._result_store.put(
                result.data, media_type=FORMATS[result.format].media_type, request_id=request_id
            )
        if link is not None:
            return json_reply(200, {"result_url": link, **about}, request_id=request_id)
        if limit is not None and wire > limit:
            raise ReplyTooLargeError(wire, max_bytes=limit)
        head = json.dumps(about)[1:].encode()
        body = b"".join((b'{"result": "', *_base64_pieces(result.data), b'", ', head))
        return Reply(status=200, body=body, headers=reply_headers(request_id))

    def _file_reply(self, result: Upscaled, *, request_id: str) -> Reply:
        """Reply with the result's own bytes; a header has the other facts."""
        limit = self.settings.max_reply_bytes
        if limit is not None and len(result.data) > limit:
            raise ReplyTooLargeError(
                len(result.data),
                max_bytes=limit,
                message=(
                    "The result is too large for one answer; choose a smaller scale, "
                    "'format=jpeg', or, where a results bucket is configured, "
                    "'Accept: application/json'."
                ),
            )
        headers = reply_headers(request_id, media_type=FORMATS[result.format].media_type)
        headers[ATTRIBUTES] = attributes_from(_about(result).items())
        return Reply(status=200, body=result.data, headers=headers)


def _about(result: Upscaled) -> dict[str, JsonValue]:
    """Return the facts of an answer besides the picture itself."""
    about: dict[str, JsonValue] = {
        "width": result.width,
        "height": result.height,
        "format": result.format,
        "model": result.model,
        "scale": result.scale,
    }
    return about | {"notes": list(result.notes)} if result.notes else about


def check_json(content_type: str | None, query: Iterable[tuple[str, str]]) -> None:
    """Raise UnsupportedMediaTypeError for a body that is not JSON, RequestError for a query.

    A missing type is taken as JSON.
    """
    if media_type_from(content_type) != JSON:
        raise UnsupportedMediaTypeError
    check_query(query)


def refuse(
    error: Exception,
    *,
    request_id: str,
    facts: Mapping[str, object] | None = None,
    started: float | None = None,
) -> Reply:
    """Reply to a failed request, and log why.

    Transports call it for errors before a handler sees the request.
    """
    if isinstance(error, SuperResolutionError):
        known = error
        if error.status >= 500 and error.__cause__ is not None:
            log.warning("cause of %s: %s", error.code, cause_in_words(error.__cause__))
    elif isinstance(error, MemoryError):
        known = BusyError.out_of_memory()
        log.warning("out of memory in request %s", request_id)
    else:
        known = SuperResolutionError()
        log.error("unexpected failure of request %s", request_id, exc_info=error)
    reply = error_reply(known, request_id=request_id)
    facts = {**(facts or {}), "error": known.code}
    return _log(reply, request_id=request_id, facts=facts, started=started)


def _log(
    reply: Reply, *, request_id: str, facts: Mapping[str, object], started: float | None
) -> Reply:
    """Log the one line of a request, and return the reply with its facts."""
    line = {
        **facts,
        "request_id": request_id,
        "status": reply.status,
        "bytes_out": len(reply.body),
    }
    if started is not None:
        line["seconds"] = round(time.perf_counter() - started, 3)
    log.info("%s", json.dumps(line))
    return replace(reply, facts=line)


def _base64_pieces(data: bytes) -> Iterator[bytes]:
    """Encode in pieces: Python's base64 holds the interpreter lock."""
    view = memoryview(data)
    for start in range(0, len(data), BASE64_PIECE):
        yield base64.b64encode(view[start : start + BASE64_PIECE])
