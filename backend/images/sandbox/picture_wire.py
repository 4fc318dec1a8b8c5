"""A decoded picture as a message, and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from math import prod

from PIL import Image

from backend.errors import (
    ImageError,
    ImageTooLargeError,
    SuperResolutionError,
    UnsupportedMediaTypeError,
)
from backend.images.decode import DecodedImage
from backend.images.formats import FORMATS, FileFormat
from backend.images.rights import Rights
from backend.images.sandbox.wire import Head

REFUSALS: Mapping[str, Callable[..., SuperResolutionError]] = {
    each.code: each for each in (ImageError, ImageTooLargeError, UnsupportedMediaTypeError)
}


def message_from_picture(picture: DecodedImage) -> tuple[Head, list[bytes]]:
    """Return a head and its contents, which are the pixels and profiles."""
    head: dict[str, object] = {}
    contents = []
    for name, value in vars(picture).items():
        if isinstance(value, Image.Image):
            shape = (value.height, value.width, *((3,) if value.mode == "RGB" else ()))
            head[name] = {"shape": shape}
            contents.append(value.tobytes())
        elif isinstance(value, FileFormat):
            head[name] = {"format": value.name}
        elif isinstance(value, bytes):
            head[name] = {"length": len(value)}
            contents.append(value)
        elif isinstance(value, Rights):
            content = json.dumps(asdict(value)).encode()
            head[name] = {"rights": len(content)}
            contents.append(content)
        else:
            head[name] = value
    return {"picture": head}, contents


def message_from_error(error: SuperResolutionError) -> Head:
    """Return the head that says what is wrong with a file."""
    return {"error": error.code, "message": error.message, "details": error.details}


def values_from_message(head: Head, content: memoryview) -> dict[str, object]:
    """Return a picture's fields, with its planes as memory in their shape.

    Raises the error that the message tells of; ValueError and others when it makes no sense.
    """
    if "error" in head:
        refusal = REFUSALS[str(head["error"])]
        raise refusal(str(head["message"]), **_mapping(head["details"]))
    return dict(_values(_mapping(head["picture"]), content))


def _values(head: Mapping[str, object], content: memoryview) -> Iterator[tuple[str, object]]:
    start = 0
    for name, value in head.items():
        if isinstance(value, list):
            yield name, tuple(value)
        elif not isinstance(value, dict):
            yield name, value
        elif "format" in value:
            yield name, FORMATS[str(value["format"])]
        elif "shape" in value:
            shape = tuple(int(side) for side in value["shape"])
            length = prod(shape)
            yield name, content[start : start + length].cast("B", shape)
            start += length
        elif "rights" in value:
            length = int(value["rights"])
            given = json.loads(bytes(content[start : start + length]))
            yield name, Rights(**{**given, "keywords": tuple(given["keywords"])})
            start += length
        else:
            yield name, bytes(content[start : start + int(value["length"])])
            start += int(value["length"])


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value
