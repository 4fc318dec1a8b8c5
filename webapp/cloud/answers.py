"""The two shapes of a good answer, and the picture in it checked before anything trusts it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass

from backend.images import BOMB_ERRORS, DECODE_ERRORS, reopen
from webapp.cloud.errors import EndpointAnswerError
from webapp.cloud.transport import Answer

BEGINNINGS: dict[str, bytes] = {
    "png": b"\x89PNG\r\n\x1a\n",
    "jpeg": b"\xff\xd8\xff",
    "webp": b"RIFF",
}


@dataclass(frozen=True, kw_only=True)
class Given:
    """A result as it was given: itself or a link to it."""

    data: bytes | None = None
    link: str | None = None
    model: str | None = None
    """The network by its name; AWS's own kits name none."""


def fields_of(answer: Answer) -> Mapping[str, object] | None:
    """The body as a JSON object, None when it is something else."""
    try:
        fields = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def given_in(answer: Answer, fields: Mapping[str, object] | None) -> Given | None:
    """None when there is neither; EndpointAnswerError for base64 that is none."""
    if fields is None or not 200 <= answer.status <= 299:
        return None
    result, link, model = (fields.get(name) for name in ("result", "result_url", "model"))
    name = model if isinstance(model, str) else None
    if isinstance(result, str) and result:
        try:
            return Given(data=base64.b64decode(result, validate=True), model=name)
        except ValueError as exc:
            raise EndpointAnswerError("What should be the picture in it is not base64.") from exc
    if isinstance(link, str) and link:
        return Given(link=link, model=name)
    return None


def checked(data: bytes, *, size: tuple[int, int]) -> str:
    """The format of a whole, readable picture of (width, height); EndpointAnswerError else.

    The size is compared before any pixel is read.
    """
    found = next((each for each, start in BEGINNINGS.items() if data.startswith(start)), None)
    if found is None:
        raise EndpointAnswerError("What came is not a picture.")
    try:
        with reopen(data, format=found) as opened:
            if opened.size != size:
                raise EndpointAnswerError(
                    f"It has {opened.width} × {opened.height} pixels instead of "
                    f"{size[0]} × {size[1]}: the address may belong to another service, or to an "
                    "older one that ignores how a photo is turned."
                )
            opened.load()
    except (*BOMB_ERRORS, *DECODE_ERRORS) as exc:
        raise EndpointAnswerError("The picture that came is damaged.") from exc
    return found
