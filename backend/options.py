"""What a caller may ask for, and a request body turned into it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.errors import RequestError, UnknownModelError, UnsupportedScaleError
from backend.images.formats import WRITABLE

OUTPUT_FORMATS = ("auto", *(each.name for each in WRITABLE))
OUTPUTS = ("base64", "url")
FILE = "file"
"""The output that is the result's own bytes: for requests that are a picture's own bytes."""
FIELDS = ("url", "img", "scale", "model", "format", "output", "cleanup", "detail")
OPTION_FIELDS = ("scale", "model", "format", "cleanup", "detail")
AUTO = "auto"
"""The model that is chosen from the picture."""
SCALES = (2, 4)
MAX_DIGITS = 6
HALF_CHARACTER = re.compile("[\ud800-\udfff]")
"""A surrogate that JSON can write and no text can hold."""
MAX_QUOTATION_MARKS = 512
MAX_BYTES_OUTSIDE = 64 * 2**10
"""Of a body, beside its strings."""


@dataclass(frozen=True, kw_only=True)
class UpscaleOptions:
    """How to upscale one picture."""

    scale: int = 2
    model: str | None = None
    """A tier of the manifest, or `auto`; None is the setting's."""
    format: str = "auto"
    quality: int | None = None
    """1-100 for JPEG and WebP; None is a high default."""
    cleanup: int | None = None
    """How much JPEG damage to remove, 0 (none) to 100; None is estimated from the file."""
    detail: int | None = None
    """0 natural to 100 vivid, for tiers that have the choice; None is the tier's own default."""


@dataclass(frozen=True, kw_only=True)
class UpscaleRequest:
    """One parsed request body: exactly one of `url`, `img` and `data`."""

    options: UpscaleOptions
    url: str | None = None
    img: str | None = None
    data: bytes | None = None
    """The body itself, where it is the picture."""
    output: str = "base64"


def check_model(models: Mapping[str, Sequence[int]], *, name: str, scale: int) -> None:
    """UnknownModelError or UnsupportedScaleError unless the tier is there and has the scale."""
    if name not in models:
        raise UnknownModelError(name, known=list(models))
    if scale not in models[name]:
        raise UnsupportedScaleError(scale, allowed=models[name])


def parse_request(body: bytes) -> UpscaleRequest:
    """JSON bytes -> request; RequestError or UnsupportedScaleError, never a guess."""
    if not _is_flat(body):
        raise RequestError("The body holds more than a request's few fields.")
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise RequestError("The body is not JSON.") from exc
    if not isinstance(fields, dict):
        raise RequestError("The body is a JSON object with 'url' or 'img'.")
    _check_names(fields, FIELDS)
    url, img = _text(fields, "url"), _text(fields, "img")
    if (url is None) == (img is None):
        raise RequestError
    return UpscaleRequest(
        url=url,
        img=img,
        output=_choice(fields, "output", OUTPUTS),
        options=_options(fields),
    )


def parse_options(fields: Mapping[str, object]) -> UpscaleOptions:
    """The options alone, for a picture that comes another way; raises as `parse_request` does."""
    _check_names(fields, OPTION_FIELDS)
    return _options(fields)


def _options(fields: Mapping[str, object]) -> UpscaleOptions:
    return UpscaleOptions(
        scale=parse_scale(fields.get("scale")),
        model=_text(fields, "model"),
        format=_choice(fields, "format", OUTPUT_FORMATS),
        cleanup=parse_cleanup(fields.get("cleanup")),
        detail=parse_detail(fields.get("detail")),
    )


def _check_names(fields: Mapping[str, object], known: Sequence[str]) -> None:
    unknown = sorted(str(name)[:40] for name in fields if name not in known)
    if unknown:
        raise RequestError(
            f"Unknown field '{unknown[0]}'; the fields are {', '.join(known)}.",
            field=unknown[0],
        )


def _is_flat(body: bytes) -> bool:
    """Whether there is little beside the strings: lists of millions cost far more than they weigh.

    The strings are found by their quotation marks alone. An escaped one among them makes the rest
    seem to be outside, which is harmless in a body without a picture, where all is short.
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


def parse_scale(value: object) -> int:
    """2 or 4, as a number or as digits; absent is 2."""
    if value is None:
        return SCALES[0]
    number = _whole_number(value)
    if number is None:
        raise RequestError("'scale' is 2 or 4.", field="scale")
    if number not in SCALES:
        raise UnsupportedScaleError(number, allowed=SCALES)
    return number


def parse_cleanup(value: object) -> int | None:
    """`auto` (or absent) is None, `off` is 0, else a whole number from 0 to 100."""
    if value is None or value == "auto":
        return None
    if value == "off":
        return 0
    number = _whole_number(value)
    if number is None or not 0 <= number <= 100:
        raise RequestError(
            "'cleanup' is auto, off, or a whole number from 0 to 100.", field="cleanup"
        )
    return number


def parse_detail(value: object) -> int | None:
    """A whole number from 0 to 100; absent is None."""
    if value is None:
        return None
    number = _whole_number(value)
    if number is None or not 0 <= number <= 100:
        raise RequestError("'detail' is a whole number from 0 to 100.", field="detail")
    return number


def _whole_number(value: object) -> int | None:
    """An integer, or a short string of plain digits as v1.0's callers send; None otherwise.

    2.0 is an integer, as JSON and its schemas see it.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return value if abs(value) < 10**MAX_DIGITS else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS:
        return int(value)
    return None


def _text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise RequestError(f"'{name}' is a string that is not empty.", field=name)
    if not value.isascii() and HALF_CHARACTER.search(value):
        raise RequestError(f"'{name}' holds half a character.", field=name)
    return value


def _choice(fields: Mapping[str, object], name: str, choices: tuple[str, ...]) -> str:
    value = fields.get(name)
    if value is None:
        return choices[0]
    if value not in choices:
        raise RequestError.not_one_of(name, choices)
    return str(value)
