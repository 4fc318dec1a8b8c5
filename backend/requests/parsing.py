"""JSON bodies of requests, read and written."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from backend.errors import RequestError
from backend.images.formats import format_from_signature
from backend.options import (
    OPTIONS,
    Choice,
    Text,
    UpscaleOptions,
    check_names,
    declared,
    fields_from,
    option,
    read_fields,
    read_options,
)

OUTPUTS = ("base64", "url")
FILE = "file"
"""The output that is the result's own bytes, for requests that are a picture's own bytes."""
MAX_QUOTATION_MARKS = 512
MAX_BYTES_OUTSIDE = 64 * 2**10
"""The most bytes of a body besides its strings."""


class Body:
    """The bytes of a request; its reader takes them, so that no caller keeps them in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def take(self) -> bytes:
        """Hand the bytes out, once."""
        data, self._data = self._data, b""
        return data


@dataclass(frozen=True, kw_only=True)
class UpscaleRequest:
    """One request: its options, and exactly one of `url`, `img` and `data`."""

    options: UpscaleOptions
    url: str | None = option(Text(), "An http, https or s3 address of a picture.", without="none")
    img: str | None = option(Text(), "The picture itself, in base64.", without="none")
    output: str = option(
        Choice(OUTPUTS),
        "Whether the answer holds the result, or a link to it that expires.",
        default=OUTPUTS[0],
    )
    data: bytes | None = None
    """The body itself, where it is the picture."""


OWN_FIELDS = declared(UpscaleRequest)
"""The fields that only a JSON body has."""
FIELDS = (*OWN_FIELDS, *OPTIONS)


def parse_request(body: bytes) -> UpscaleRequest:
    """Read JSON bytes as a request; raise RequestError or UnsupportedScaleError."""
    if not body:
        raise RequestError("The body is empty; send a JSON object with 'url' or 'img'.")
    if format_from_signature(body) is not None:
        raise RequestError(
            "The body is a picture, not JSON; send it in base64 as 'img', or to a server's "
            "/invocations with the header 'Content-Type: image/…'."
        )
    if not _is_flat(body):
        raise RequestError("The body holds more than a request's few fields.")
    try:
        fields = json.loads(body, object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError) as exc:
        raise RequestError("The body is not JSON.") from exc
    if not isinstance(fields, dict):
        raise RequestError("The body is a JSON object with 'url' or 'img'.")
    check_names(fields, FIELDS)
    own = read_fields(OWN_FIELDS, fields)
    if (own["url"] is None) == (own["img"] is None):
        raise RequestError
    return UpscaleRequest(options=read_options(fields), **own)


def parse_options(fields: dict[str, object]) -> UpscaleOptions:
    """Read the options of a picture that comes another way; raises as `parse_request` does."""
    check_names(fields, tuple(OPTIONS))
    return read_options(fields)


def body_from(data: bytes, options: UpscaleOptions) -> bytes:
    """Write the body of a request for this picture, of which v1.0 reads `img` and `scale`."""
    rest = json.dumps(fields_from(options))
    return b'{"img": "' + base64.b64encode(data) + b'", ' + rest[1:].encode()


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise RequestError.given_twice(next(name for name in names if names.count(name) > 1))
    return fields


def _is_flat(body: bytes) -> bool:
    """Return whether there is little besides strings: parsing lists of millions costs too much.

    Strings are found by their quotation marks alone. An escaped one among them makes the rest seem
    to be outside, which is harmless in a body without a picture.
    """
    at, outside, is_inside = 0, 0, False
    for _ in range(MAX_QUOTATION_MARKS):
        mark = body.find(b'"', at)
        if not is_inside:
            outside += (len(body) if mark < 0 else mark) - at
        if mark < 0:
            return outside <= MAX_BYTES_OUTSIDE
        at, is_inside = mark + 1, not is_inside
    return False
