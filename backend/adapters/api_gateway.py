"""API Gateway's proxy event (REST API, version 1.0) and what it takes as an answer."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from backend.adapters.cors import CORS_HEADERS
from backend.errors import (
    MethodNotAllowedError,
    ReplyTooLargeError,
    RequestError,
    SuperResolutionError,
    UnsupportedMediaTypeError,
    unexpected_error,
)
from backend.reply import Reply, error_reply

log = logging.getLogger("backend.aws")

MAX_ANSWER_BYTES = 6 * 2**20
"""Lambda's limit on the JSON of an answer; the runtime's process ends when it is exceeded."""
ENVELOPE_BYTES = 4096
"""More than what is put around a reply's body: status, headers, and a backslash a quote."""


class LambdaContext(Protocol):
    """What is used of the second argument of a handler."""

    @property
    def aws_request_id(self) -> str: ...

    def get_remaining_time_in_millis(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class ProxyRequest:
    """The part of an event that a service needs."""

    body: bytes
    request_id: str


def answered(
    event: object, context: LambdaContext, handle: Callable[[ProxyRequest], Reply]
) -> dict[str, object]:
    """An event in, an answer out: what is wrong with either becomes an error reply; never raises.

    `handle` may raise SuperResolutionError.
    """
    request_id = _request_id(event, context)
    try:
        if _method(event) == "OPTIONS":
            return _answer(Reply(status=204, body=b""))
        answer = _answer(handle(read_event(event, request_id=request_id)))
        size = len(json.dumps(answer))
        if size > MAX_ANSWER_BYTES:
            raise ReplyTooLargeError(
                "The result is too large for one answer; choose a smaller scale or "
                "'format': 'jpeg'.",
                bytes=size,
                max_bytes=MAX_ANSWER_BYTES,
            )
        return answer
    except SuperResolutionError as exc:
        refused = exc
        if exc.status >= 500 and exc.__cause__ is not None:
            log.warning("cause of %s: %.300r", exc.code, exc.__cause__)
    except Exception:
        log.exception("unexpected failure of request %s", request_id)
        refused = unexpected_error()
    facts = {"error": refused.code, "request_id": request_id, "status": refused.status}
    log.info("%s", json.dumps(facts))
    return _answer(error_reply(refused, request_id=request_id))


def read_event(event: object, *, request_id: str) -> ProxyRequest:
    """RequestError or UnsupportedMediaTypeError; a missing content type is taken as JSON."""
    if not isinstance(event, Mapping) or "httpMethod" not in event:
        raise RequestError("This function answers the proxy events of an API Gateway REST API.")
    if _method(event) != "POST":
        raise MethodNotAllowedError("This address does not answer that method.")
    given = _header(event, "content-type") or "application/json"
    if given.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaTypeError(
            "Send the request as JSON, with the header 'Content-Type: application/json'."
        )
    return ProxyRequest(body=_body(event), request_id=request_id)


def _body(event: Mapping[str, object]) -> bytes:
    text = event.get("body")
    if text is None:
        return b""
    if not isinstance(text, str):
        raise RequestError("The event's body is not a string.")
    if not event.get("isBase64Encoded"):
        # A lone surrogate can be written in an event's JSON; the request's parser refuses it.
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as exc:
        raise RequestError("The body is marked as base64 and is not.") from exc


def _method(event: object) -> object:
    return event.get("httpMethod") if isinstance(event, Mapping) else None


def _header(event: Mapping[str, object], name: str) -> str | None:
    """By its name in small letters: API Gateway passes on the case that the caller chose."""
    headers = event.get("headers")
    if isinstance(headers, Mapping):
        for each, value in headers.items():
            if str(each).lower() == name:
                return str(value)
    return None


def _request_id(event: object, context: LambdaContext) -> str:
    """API Gateway's own, which its access log has too."""
    about = event.get("requestContext") if isinstance(event, Mapping) else None
    given = about.get("requestId") if isinstance(about, Mapping) else None
    return given if isinstance(given, str) and given else context.aws_request_id


def _answer(reply: Reply) -> dict[str, object]:
    return {
        "statusCode": reply.status,
        "headers": {**reply.headers, **CORS_HEADERS},
        "body": reply.body.decode(),
        "isBase64Encoded": False,
    }
