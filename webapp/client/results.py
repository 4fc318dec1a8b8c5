"""The two shapes of a good response, whose picture is checked first."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from backend.images.decode import DECODE_ERRORS
from backend.images.formats import format_from_signature
from backend.images.picture import reopen
from backend.images.segments.limits import BOMB_ERRORS
from webapp.client.errors import EndpointAnswerError
from webapp.client.transport import Response


@dataclass(frozen=True, kw_only=True)
class RemoteResult:
    """A result, or a link to it."""

    data: bytes | None = None
    link: str | None = None
    model: str | None = None
    """The network's name; AWS's own kits name none."""
    notes: tuple[str, ...] = ()


def parse_json_object(response: Response) -> Mapping[str, object] | None:
    """Parse the body as a JSON object; return None if it is something else."""
    try:
        fields = json.loads(response.body)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def read_result(response: Response, fields: Mapping[str, object] | None) -> RemoteResult | None:
    """Return None if there is neither; raise EndpointAnswerError for invalid base64."""
    if fields is None or not 200 <= response.status <= 299:
        return None
    result, link, model, notes = map(fields.get, ("result", "result_url", "model", "notes"))
    found = notes if isinstance(notes, list) else []
    about = RemoteResult(
        model=model if isinstance(model, str) else None,
        notes=tuple(each for each in found if isinstance(each, str)),
    )
    if isinstance(result, str) and result:
        try:
            return replace(about, data=base64.b64decode(result, validate=True))
        except ValueError as exc:
            raise EndpointAnswerError("not_a_picture") from exc
    return replace(about, link=link) if isinstance(link, str) and link else None


def check_picture(data: bytes, *, size: tuple[int, int]) -> str:
    """Return the format of a whole picture of (width, height), or raise EndpointAnswerError.

    The size is compared before any pixel is read.
    """
    found = format_from_signature(data)
    if found is None or not found.is_writable:
        raise EndpointAnswerError("not_a_picture")
    try:
        with reopen(data, format=found.name) as opened:
            if opened.size != size:
                raise EndpointAnswerError(
                    "wrong_size",
                    width=opened.width,
                    height=opened.height,
                    expected_width=size[0],
                    expected_height=size[1],
                )
            opened.load()
    except (*BOMB_ERRORS, *DECODE_ERRORS) as exc:
        raise EndpointAnswerError("not_a_picture") from exc
    return found.name
