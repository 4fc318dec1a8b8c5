"""A decoded picture as a message, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from backend.decoding.message import Head
from backend.errors import (
    ImageError,
    ImageTooLargeError,
    SuperResolutionError,
    UnsupportedMediaTypeError,
)
from backend.formats import FORMATS, FileFormat
from backend.images import Picture

REFUSALS: Mapping[str, Callable[..., SuperResolutionError]] = {
    each.code: each for each in (ImageError, ImageTooLargeError, UnsupportedMediaTypeError)
}


def message_from_picture(picture: Picture) -> tuple[Head, list[memoryview]]:
    """Pixels and profiles are contents; the rest stands in the head."""
    head: dict[str, object] = {}
    contents = []
    for each in fields(picture):
        value = getattr(picture, each.name)
        if isinstance(value, np.ndarray):
            head[each.name] = {"shape": value.shape}
            contents.append(np.ascontiguousarray(value).data)
        elif isinstance(value, FileFormat):
            head[each.name] = {"format": value.name}
        elif isinstance(value, bytes):
            head[each.name] = {"length": len(value)}
            contents.append(memoryview(value))
        else:
            head[each.name] = value
    return {"picture": head}, contents


def message_from_error(error: SuperResolutionError) -> Head:
    """What is wrong with the file, in words."""
    return {"error": error.code, "message": error.message, "details": error.details}


def picture_from_message(head: Head, content: memoryview) -> Picture:
    """Raises the error that the message tells of; ValueError and others when it makes no sense."""
    if "error" in head:
        refusal = REFUSALS[str(head["error"])]
        raise refusal(str(head["message"]), **_mapping(head["details"]))
    values: dict[str, Any] = dict(_values(_mapping(head["picture"]), content))
    return Picture(**values)


def _values(head: Mapping[str, object], content: memoryview) -> Iterator[tuple[str, object]]:
    start = 0
    for name, value in head.items():
        if not isinstance(value, dict):
            yield name, value
        elif "format" in value:
            yield name, FORMATS[str(value["format"])]
        elif "shape" in value:
            shape = tuple(int(side) for side in value["shape"])
            length = int(np.prod(shape, dtype=np.int64))
            part = np.frombuffer(content, np.uint8, count=length, offset=start)
            yield name, part.reshape(shape)
            start += length
        else:
            yield name, bytes(content[start : start + int(value["length"])])
            start += int(value["length"])


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value
