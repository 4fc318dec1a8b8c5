"""Replies of any transport; nothing heavy is imported, so that small functions can use it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.errors import JsonValue, SuperResolutionError

REQUEST_ID = "X-Request-Id"
RETRY_AFTER = "Retry-After"
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
"""The header of a raw picture's options, and of the facts about the result's own bytes."""
CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": (
        "Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token,"
        f"{REQUEST_ID},{ATTRIBUTES}"
    ),
    "Access-Control-Allow-Methods": "OPTIONS,POST",
    "Access-Control-Expose-Headers": f"{RETRY_AFTER},{REQUEST_ID},{ATTRIBUTES}",
}
"""Headers that let pages from any origin call an API; every transport adds them, as v1.0 did."""
_WELL_FORMED = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A reply for any transport: a status, a body with JSON or a picture, and headers."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)
    """Facts for the log line, never sent to the caller."""


def request_id_from(given: object) -> str:
    """Return a transport's id if it is well-formed, or a new one, for headers and logs."""
    if isinstance(given, str) and _WELL_FORMED.fullmatch(given):
        return given
    return str(uuid.uuid4())


def reply_headers(request_id: str, *, media_type: str = "application/json") -> dict[str, str]:
    """Return the headers of every answer."""
    return {"Content-Type": media_type, REQUEST_ID: request_id}


def json_reply(status: int, content: Mapping[str, object], *, request_id: str) -> Reply:
    """Make a reply whose body is this JSON object."""
    # A request may hold a surrogate, and an error may quote it.
    body = json.dumps(content, ensure_ascii=False).encode(errors="replace")
    return Reply(status=status, body=body, headers=reply_headers(request_id))


def error_reply(error: SuperResolutionError, *, request_id: str) -> Reply:
    """Make a reply in the one error shape of every transport."""
    content: dict[str, JsonValue | dict[str, JsonValue]] = {
        "error": error.code,
        "message": error.message,
        "details": error.details,
        "request_id": request_id,
    }
    reply = json_reply(error.status, content, request_id=request_id)
    if (seconds := error.details.get("retry_after")) is not None:
        reply.headers[RETRY_AFTER] = str(seconds)
    return reply
