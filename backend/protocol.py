"""A request's JSON in, a reply out, for every transport; whatever happens, there is a reply.

Nothing heavy is imported: the engine and the source of pictures are handed in.
"""

from __future__ import annotations

import base64
import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from backend.engine import Engine, Upscaled, Watch
from backend.errors import (
    JsonValue,
    ReplyTooLargeError,
    RequestError,
    SuperResolutionError,
    unexpected_error,
)
from backend.formats import FORMATS
from backend.options import UpscaleRequest, check_model, parse_request
from backend.reply import Reply, body_too_large, error_reply, json_reply, reply_headers
from backend.settings import Settings

log = logging.getLogger("backend.requests")

BASE64_PIECE = 3 * 2**20
"""A multiple of 3, so that no part but the last is padded."""


def _ignore_facts(facts: Mapping[str, object]) -> None:
    pass


class Source(Protocol):
    """Brings the bytes of a request's picture, never more than `max_bytes`."""

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
        *,
        observe: Callable[[Mapping[str, object]], None] = _ignore_facts,
    ) -> None:
        """`observe` gets the facts of every request that is in the log, too."""
        self.engine = engine
        self.settings = settings
        self._source = source
        self._result_store = result_store
        self._observe = observe

    @property
    def can_answer_with_links(self) -> bool:
        """Whether there is a results bucket, so that `output` may be `url`."""
        return self._result_store is not None

    def handle(
        self, body: bytes, request_id: str | None = None, *, watch: Watch = Watch()
    ) -> Reply:
        """A request body in, a reply out; never raises."""
        request_id = request_id or str(uuid.uuid4())
        started = time.perf_counter()
        facts: dict[str, object] = {"bytes_in": len(body)}
        try:
            reply = self._answer(body, request_id, facts, watch)
        except Exception as exc:  # noqa: BLE001 - told by the reply and the log
            reply = refuse(exc, request_id=request_id, facts=facts, started=started)
        else:
            _log(reply, request_id=request_id, facts=facts, started=started)
        self._observe({**facts, "status": reply.status, "seconds": time.perf_counter() - started})
        return reply

    def _answer(
        self, body: bytes, request_id: str, facts: dict[str, object], watch: Watch
    ) -> Reply:
        if len(body) > self.settings.max_body_bytes:
            raise body_too_large(self.settings.max_body_bytes)
        request = parse_request(body)
        if request.output == "url" and self._result_store is None:
            raise RequestError(
                "'output': 'url' is not available here: no results bucket is configured.",
                field="output",
            )
        # An unknown model or scale is refused before anything is fetched.
        models, options = self.engine.models, request.options
        if models:
            check_model(models, name=options.model or next(iter(models)), scale=options.scale)
        wants_link, max_bytes = request.output == "url", self.settings.max_image_bytes
        data = self._source.read(request, max_bytes=max_bytes, watch=watch)
        del request  # it may hold the picture as base64, and the work takes a while
        result = self.engine.upscale(data, options, watch=watch)
        facts |= {
            "model": result.model,
            "scale": result.scale,
            "format": result.format,
            "width": result.width,
            "height": result.height,
            "cleanup": result.cleanup,
            "stages": dict(result.stages),
        }
        return self._reply(result, wants_link=wants_link, request_id=request_id)

    def _reply(self, result: Upscaled, *, wants_link: bool, request_id: str) -> Reply:
        about: dict[str, JsonValue] = {
            "width": result.width,
            "height": result.height,
            "format": result.format,
            "model": result.model,
            "scale": result.scale,
        }
        link = result.link
        limit = self.settings.max_reply_bytes
        wire = 4 * -(-len(result.data) // 3) + len(json.dumps(about)) + 64
        is_too_large = limit is not None and wire > limit
        if link is None and self._result_store is not None and (wants_link or is_too_large):
            link = self._result_store.put(
                result.data, media_type=FORMATS[result.format].media_type, request_id=request_id
            )
        if link is not None:
            return json_reply(200, {"result_url": link, **about}, request_id=request_id)
        if is_too_large:
            raise ReplyTooLargeError(
                "The result is too large for one answer; choose a smaller scale, "
                "'format': 'jpeg', or, where a results bucket is configured, 'output': 'url'.",
                bytes=wire,
                max_bytes=limit,
            )
        head = json.dumps(about)[1:].encode()
        body = b"".join((b'{"result": "', *_base64_pieces(result.data), b'", ', head))
        return Reply(status=200, body=body, headers=reply_headers(request_id))


def refuse(
    error: Exception,
    *,
    request_id: str,
    facts: dict[str, object] | None = None,
    started: float | None = None,
) -> Reply:
    """The reply for what a request failed with, and its lines in the log; `facts` get the code.

    Transports call it for what is wrong before a handler sees the request.
    """
    if isinstance(error, SuperResolutionError):
        known = error
        if error.status >= 500 and error.__cause__ is not None:
            log.warning("cause of %s: %.300r", error.code, error.__cause__)
    else:
        known = unexpected_error()
        log.error("unexpected failure of request %s", request_id, exc_info=error)
    reply = error_reply(known, request_id=request_id)
    facts = {} if facts is None else facts
    facts["error"] = known.code
    _log(reply, request_id=request_id, facts=facts, started=started)
    return reply


def _log(
    reply: Reply, *, request_id: str, facts: Mapping[str, object], started: float | None
) -> None:
    """The one line that a request leaves."""
    line = {
        **facts,
        "request_id": request_id,
        "status": reply.status,
        "bytes_out": len(reply.body),
    }
    if started is not None:
        line["seconds"] = round(time.perf_counter() - started, 3)
    log.info("%s", json.dumps(line))


def _base64_pieces(data: bytes) -> Iterator[bytes]:
    """Python's base64 lets no other thread run meanwhile, so a large result is done in parts."""
    view = memoryview(data)
    for start in range(0, len(data), BASE64_PIECE):
        yield base64.b64encode(view[start : start + BASE64_PIECE])
