"""What any transport sends back; nothing heavy is imported, so that small functions can use it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.errors import JsonValue, SuperResolutionError

CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": (
        "Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token"
    ),
    "Access-Control-Allow-Methods": "OPTIONS,POST",
}
"""Let pages of any origin call an API; every transport adds them, as v1.0 did."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What any transport sends: a status, a JSON body, and headers."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def reply_headers(request_id: str) -> dict[str, str]:
    """Of every answer."""
    return {"Content-Type": "application/json", "X-Request-Id": request_id}


def json_reply(status: int, content: Mapping[str, object], *, request_id: str) -> Reply:
    """A reply whose body is this JSON object."""
    body = json.dumps(content, ensure_ascii=False).encode()
    return Reply(status=status, body=body, headers=reply_headers(request_id))


def error_reply(error: SuperResolutionError, *, request_id: str) -> Reply:
    """The one error shape of every transport."""
    content: dict[str, JsonValue | dict[str, JsonValue]] = {
        "error": error.code,
        "message": error.message,
        "details": error.details,
        "request_id": request_id,
    }
    reply = json_reply(error.status, content, request_id=request_id)
    retry_after = error.details.get("retry_after")
    if retry_after is None:
        return reply
    headers = {**reply.headers, "Retry-After": str(retry_after)}
    return Reply(status=reply.status, body=reply.body, headers=headers)
