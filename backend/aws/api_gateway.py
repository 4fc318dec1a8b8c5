"""API Gateway's proxy event (REST API, payload version 1.0) and the answer to it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping

from backend.aws.lambda_limits import MAX_ANSWER_BYTES, LambdaContext, seconds_left
from backend.aws.metrics import write_metrics
from backend.engine import Watch
from backend.errors import (
    MethodNotAllowedError,
    ReplyTooLargeError,
    RequestError,
)
from backend.requests.handler import RequestHandler, check_json, refuse
from backend.requests.reply import CORS_HEADERS, Reply, request_id_from
from backend.settings import Settings

LONGEST_WAIT_SECONDS = 900
"""More than any quota for API Gateway's integration timeout."""


def answer_event(
    event: object,
    context: LambdaContext,
    make_handler: Callable[[], RequestHandler],
    settings: Settings,
) -> dict[str, object]:
    """Answer an event; every error becomes a reply, and nothing is raised.

    `make_handler` is called for every event and may raise too.
    """
    fields = event if isinstance(event, Mapping) else {}
    about = fields.get("requestContext")
    about = about if isinstance(about, Mapping) else {}
    # API Gateway's own id, which its access log has too.
    request_id = request_id_from(about.get("requestId") or context.aws_request_id)
    if fields.get("httpMethod") == "OPTIONS":
        return _answer(Reply(status=204, body=b""))
    try:
        body = _read_body(fields)
        waited = _seconds_since(about.get("requestTimeEpoch"))
        left = seconds_left(context, budget=settings.time_budget_seconds, waited=waited)
        reply = make_handler().handle(body, request_id, watch=Watch(seconds_left=left))
        answer = _answer(reply)
    except Exception as exc:  # noqa: BLE001 - reported by the reply and the log
        reply = refuse(exc, request_id=request_id)
        answer = _answer(reply)
    if settings.metrics_stack is not None:
        write_metrics(reply.facts, stack=settings.metrics_stack)
    return answer


def _read_body(event: Mapping[str, object]) -> bytes:
    """Return the body; RequestError or UnsupportedMediaTypeError for a wrong one.

    A missing content type is taken as JSON.
    """
    if "httpMethod" not in event:
        raise RequestError("This function answers the proxy events of an API Gateway REST API.")
    if event["httpMethod"] != "POST":
        raise MethodNotAllowedError
    query = event.get("queryStringParameters")
    pairs = query.items() if isinstance(query, Mapping) else ()
    check_json(_header(event, "content-type"), ((str(name), "") for name, _ in pairs))
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
        raise RequestError("The body is marked as base64 but is not.") from exc


def _header(event: Mapping[str, object], name: str) -> str | None:
    """Find a header in any case: API Gateway passes on the caller's spelling."""
    headers = event.get("headers")
    pairs = headers.items() if isinstance(headers, Mapping) else ()
    return next((str(value) for each, value in pairs if str(each).lower() == name), None)


def _seconds_since(received: object) -> float:
    """Return the time since API Gateway received the request, a cold start or queue included.

    0 if the event has no time, or an impossible one: a recorded event, or a wrong clock.
    """
    if not isinstance(received, int | float):
        return 0.0
    now = time.time() * 1000
    is_recent = now - LONGEST_WAIT_SECONDS * 1000 < received < now
    return (now - received) / 1000 if is_recent else 0.0


def _answer(reply: Reply) -> dict[str, object]:
    """Return the proxy answer; ReplyTooLargeError when Lambda's runtime would not survive it."""
    answer = {
        "statusCode": reply.status,
        "headers": {**reply.headers, **CORS_HEADERS},
        "body": reply.body.decode(),
        "isBase64Encoded": False,
    }
    size = len(json.dumps(answer))
    if size > MAX_ANSWER_BYTES:
        raise ReplyTooLargeError(size, max_bytes=MAX_ANSWER_BYTES)
    return answer
