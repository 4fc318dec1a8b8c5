"""Events as API Gateway sends them: the files in `events/`, with another body."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).parent / "events"


def read_event(name: str) -> dict[str, Any]:
    """Read one of the files."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def post_event(body: bytes) -> dict[str, Any]:
    """Make a POST with this body."""
    return read_event("post") | {"body": body.decode()}


def upscale_event(data: bytes, **fields: object) -> dict[str, Any]:
    """Make a POST with this picture as `img`."""
    return post_event(request_body(data, **fields))


def request_body(data: bytes, **fields: object) -> bytes:
    return json.dumps({"img": base64.b64encode(data).decode(), **fields}).encode()
