"""Requests to SageMaker's `/invocations`.

A body is JSON, as on every other path, or the picture's own bytes. The options of a picture are in
the header of custom attributes, as `scale=4,model=photo`, or in the query; percent-encoding is
understood in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import quote, unquote

from backend.errors import RequestError, UnsupportedMediaTypeError
from backend.images.formats import WRITABLE
from backend.options import AUTO, UpscaleOptions
from backend.requests.parsing import FILE, OUTPUTS, UpscaleRequest, parse_options
from backend.requests.reply import ATTRIBUTES

JSON = "application/json"
UNNAMED = "application/octet-stream"
"""The media type of bytes whose format is found by their content."""
SIGNATURE = "x-amz-"
"""The prefixes of the names of a signature in the query."""
ANY_PICTURE = "image/*"
RESULTS = {each.media_type: each.name for each in WRITABLE}
"""Media type of a result -> its format in requests."""
PREFERENCE = re.compile(r";\s*q\s*=\s*([^;\s]*)", re.IGNORECASE)
WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")

Pairs = Iterable[tuple[str, str]]


def raw_picture_from(headers: Pairs, query: Pairs) -> UpscaleRequest | None:
    """Return the request without its picture; None if the header says JSON or names no type.

    Its output is `file` for the result's own bytes, or `base64` for JSON. Raise RequestError for
    unknown options and answers, UnsupportedMediaTypeError for a body of another type.
    """
    given = _joined(headers)
    media_type = media_type_from(given.get("content-type"))
    if media_type == JSON:
        check_query(query)
        return None
    if media_type != UNNAMED and not media_type.startswith("image/"):
        raise UnsupportedMediaTypeError(
            "Send JSON, or a picture with the header 'Content-Type: image/…' or "
            "'Content-Type: application/octet-stream'."
        )
    fields: dict[str, object] = {}
    for name, value in (*_attributes(given.get(ATTRIBUTES.lower(), "")), *query):
        if name in fields:
            raise RequestError.given_twice(name)
        fields[name] = value
    return _choose_answer(parse_options(fields), accept=given.get("accept") or "*/*")


def with_picture(request: UpscaleRequest, body: bytes) -> UpscaleRequest:
    """Return the whole request; raise RequestError for an empty body."""
    if not body:
        raise RequestError("The body contains no picture.")
    return replace(request, data=body)


def check_query(query: Pairs) -> None:
    """Raise RequestError for a query beside a JSON body, unless it is a signature of AWS's."""
    for name, _ in query:
        if not name.lower().startswith(SIGNATURE):
            raise RequestError(
                f"A JSON request has its options in the body; '{name[:40]}' is in the query.",
                field=name[:40],
            )


def media_type_from(content_type: str | None) -> str:
    """Return the media type in lower case without parameters; JSON if there is none."""
    return (content_type or JSON).partition(";")[0].strip().lower()


def attributes_from(facts: Iterable[tuple[str, object]]) -> str:
    """Return the header's value as `raw_picture_from` reads it; the parts of a list have commas."""
    texts = (
        (name, ",".join(value) if isinstance(value, list) else str(value)) for name, value in facts
    )
    return ",".join(f"{name}={quote(text)}" for name, text in texts)


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(",") if text.strip() else ():
        name, equals, value = part.partition("=")
        if not equals:
            raise RequestError(
                f"The header {ATTRIBUTES} is written as 'scale=4,model=photo'.", field=ATTRIBUTES
            )
        yield unquote(name.strip()), unquote(value.strip())


def _choose_answer(options: UpscaleOptions, *, accept: str) -> UpscaleRequest:
    """Choose the first accepted type that can be answered; raise RequestError if none."""
    formats = {
        media_type: name for media_type, name in RESULTS.items() if options.format in (AUTO, name)
    }
    for media_type in _by_preference(accept):
        if media_type in (JSON, "application/*"):
            return UpscaleRequest(options=options, output=OUTPUTS[0])
        if media_type in (ANY_PICTURE, "*/*"):
            return UpscaleRequest(options=options, output=FILE)
        if media_type in formats:
            return UpscaleRequest(options=replace(options, format=formats[media_type]), output=FILE)
    raise RequestError.not_one_of("Accept", (ANY_PICTURE, *formats, JSON))


def _by_preference(accept: str) -> list[str]:
    """Return the header's media types, the preferred first, without those of weight 0."""
    weighted: list[tuple[float, str]] = []
    for part in filter(str.strip, accept.split(",")):
        found = PREFERENCE.search(part)
        text = found[1] if found else "1"
        weight = float(text) if WEIGHT.fullmatch(text) else 0.0
        weighted.append((weight, media_type_from(part)))
    weighted.sort(key=lambda each: -each[0])
    return [media_type for weight, media_type in weighted if weight > 0]


def _joined(headers: Pairs) -> dict[str, str]:
    """Join headers by lower-case name; several lines make one list, as in HTTP."""
    given: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        given[key] = f"{given[key]},{value}" if key in given else value
    return given
