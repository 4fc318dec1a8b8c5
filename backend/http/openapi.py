"""The server's description of itself, made from the handler's own facts."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

from PIL import Image

from backend import __version__, errors
from backend.images.formats import READABLE, WRITABLE, labels
from backend.options import KEPT, MAX_DIGITS, OPTIONS, SCALES, Choice, UpscaleOptions
from backend.requests.handler import RequestHandler
from backend.requests.parsing import OUTPUTS
from backend.requests.raw_body import ANY_PICTURE, ATTRIBUTES, RESULTS, UNNAMED

Schema = dict[str, Any]

REQUEST_ID = "3b0c8a52-2f0e-4b43-9f0a-6f1f2f6f7c11"
ERROR_DESCRIPTIONS = {
    400: "The request is wrong",
    401: "The server wants a token",
    403: "The address is not allowed",
    404: "There is nothing at the address",
    405: "Wrong method",
    408: "The request arrived too slowly",
    413: "Too large, or too much work",
    415: "Not JSON, or not a picture that is read here",
    422: "The picture is damaged or has too many pixels",
    429: "Too much of one client at once",
    500: "The network or the server failed",
    502: "The address cannot be reached",
    503: "Busy, or the network is not available",
    504: "The address is too slow",
}


STAGE = "^[A-Za-z0-9_-]{1,128}$"
"""The names that API Gateway allows for a stage."""


def document(handler: RequestHandler) -> Schema:
    """OpenAPI 3.1."""
    resolution = _resolution(handler)
    stage = {
        "name": "stage",
        "in": "path",
        "required": True,
        "description": "Any one segment, as API Gateway's addresses have.",
        "schema": {"type": "string", "pattern": STAGE},
        "example": "prod",
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Image super-resolution",
            "version": __version__,
            "description": "Enlarges a picture two or four times.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/resolution": {"post": resolution | {"operationId": "upscale"}},
            "/{stage}/resolution": {
                "parameters": [stage],
                "post": resolution | {"operationId": "upscaleInStage"},
            },
            "/invocations": {"post": _invocation(handler, resolution)},
            "/ping": {"get": _ping()},
            "/openapi.json": {"get": _self()},
        },
        "components": {
            "schemas": {
                "UpscaleRequest": _request_schema(handler),
                "UpscaleResult": _result_schema(handler),
                "Error": _error_schema(),
                "Health": _health_schema(),
            }
        },
    }


def _resolution(handler: RequestHandler) -> Schema:
    return {
        "summary": "Upscale a picture",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": _ref("UpscaleRequest"),
                    "examples": _request_examples(handler),
                }
            },
        },
        "responses": {
            "200": {
                "description": "The enlarged picture",
                "headers": _headers(),
                "content": {
                    "application/json": {
                        "schema": _ref("UpscaleResult"),
                        "examples": {"upscaled": {"value": _result_example(handler)}},
                    }
                },
            },
            **_error_responses(_errors(handler)),
        },
    }


def _invocation(handler: RequestHandler, resolution: Schema) -> Schema:
    """The same for JSON; what it takes and answers beside that."""
    answer = resolution["responses"]["200"]
    attributes = {
        "description": "Only with a picture's own bytes: what JSON has in its other fields.",
        "schema": {"type": "string"},
    }
    return resolution | {
        "operationId": "invoke",
        "summary": "The same, as SageMaker calls it, and for a picture's own bytes",
        "description": (
            "JSON is answered as on the other paths. A picture's own bytes are answered with the "
            "result's own bytes, or with JSON where 'Accept' prefers it. Their options are "
            f"{', '.join(OPTIONS)}, each at most once: in the header {ATTRIBUTES}, as "
            "'scale=4,model=photo', or in the query, as '?scale=4&model=photo'."
        ),
        "requestBody": resolution["requestBody"]
        | {
            "content": resolution["requestBody"]["content"]
            | {each: _file(handler) for each in (ANY_PICTURE, UNNAMED)}
        },
        "responses": resolution["responses"]
        | {
            "200": answer
            | {
                "headers": answer["headers"] | {ATTRIBUTES: attributes},
                "content": answer["content"] | {each: {} for each in RESULTS},
            }
        },
    }


def _file(handler: RequestHandler) -> Schema:
    settings = handler.settings
    return {
        "schema": {
            "type": "string",
            "minLength": 1,
            "description": (
                f"The bytes of a {labels(READABLE)}; at most {settings.max_image_bytes} bytes and "
                f"{settings.max_side} pixels on its longest side."
            ),
        }
    }


def _ping() -> Schema:
    answer = {"application/json": {"schema": _ref("Health")}}
    return {
        "summary": "Whether the server is up, and with which networks",
        "operationId": "ping",
        "responses": {
            "200": {"description": "Ready", "content": answer},
            "503": {"description": "The default network cannot be loaded", "content": answer},
            **_error_responses([errors.MethodNotAllowedError()]),
        },
    }


def _self() -> Schema:
    answer = {"application/json": {"schema": {"type": "object"}}}
    return {
        "summary": "This document",
        "operationId": "describe",
        "responses": {
            "200": {"description": "OpenAPI 3.1", "content": answer},
            **_error_responses([errors.MethodNotAllowedError()]),
        },
    }


def _request_schema(handler: RequestHandler) -> Schema:
    settings = handler.settings
    available = {scale for _, scale in _networks(handler)}
    scales = [scale for scale in SCALES if scale in available]
    digits = "".join(str(scale) for scale in scales)
    longest = -(-settings.max_image_bytes // 3) * 4
    alternatives = {
        "img": {"type": "string", "minLength": 1},
        "url": {"type": "string", "minLength": 1},
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "img": {
                "type": ["string", "null"],
                "minLength": 1,
                "format": "base64-picture",
                "description": (
                    f"A {labels(READABLE)} in base64, with or without 'data:image/…;base64,' "
                    f"before it; at most {settings.max_image_bytes} bytes (about {longest} "
                    "characters) "
                    f"and {settings.max_side} pixels on its longest side."
                ),
            },
            "url": {
                "type": ["string", "null"],
                "minLength": 1,
                "format": "picture-address",
                "description": f"http, https or s3 address of a {labels(READABLE)}.",
            },
            "scale": {
                "anyOf": [
                    {"type": "integer", "enum": scales},
                    {"type": "string", "pattern": f"^0{{0,{MAX_DIGITS - 1}}}[{digits}]$"},
                    {"type": "null"},
                ],
                "default": UpscaleOptions.scale,
                "description": "How many times wider and higher; digits in a string are accepted.",
            },
            "model": {
                "enum": [*list(handler.engine.models), None],
                "default": settings.model,
                "description": "Which network.",
            },
            "format": {
                "enum": [*_formats(), None],
                "default": UpscaleOptions.format,
                "description": (
                    "File format of the result; auto is JPEG for a JPEG and PNG for the rest."
                ),
            },
            "output": {
                "enum": [*_outputs(handler), None],
                "default": OUTPUTS[0],
                "description": (
                    "Whether the result comes inside the answer, or as a link: that is possible "
                    "where a results bucket is configured."
                ),
            },
            "cleanup": {
                "anyOf": [
                    {"enum": ["auto", "off"]},
                    {"type": "integer", "minimum": 0, "maximum": 100},
                    {"type": "string", "pattern": "^(0{0,4}[0-9]{1,2}|0{0,3}100)$"},
                    {"type": "null"},
                ],
                "default": "auto",
                "description": (
                    "How much JPEG damage is removed, 0 to 100; auto is estimated from the file."
                ),
            },
            "quality": {
                "anyOf": [
                    {"type": "integer", "minimum": 1, "maximum": 100},
                    {"type": "string", "pattern": "^(0{0,4}[1-9][0-9]?|0{1,5}[1-9]|0{0,3}100)$"},
                    {"type": "null"},
                ],
                "description": OPTIONS["quality"].meaning,
            },
            "keep": {
                "anyOf": [{"type": "string", "pattern": _words(KEPT)}, {"type": "null"}],
                "default": OPTIONS["keep"].without,
                "description": OPTIONS["keep"].meaning,
            },
            "detail": {
                "anyOf": [
                    {"type": "integer", "minimum": 0, "maximum": 100},
                    {"type": "string", "pattern": "^(0{0,4}[0-9]{1,2}|0{0,3}100)$"},
                    {"type": "null"},
                ],
                "description": (
                    "0 natural to 100 vivid, for models that have the choice; others refuse it."
                ),
            },
        },
        "oneOf": [
            {
                "required": [chosen],
                "properties": {chosen: alternatives[chosen], other: {"type": "null"}},
            }
            for chosen, other in (("img", "url"), ("url", "img"))
        ],
        "anyOf": [
            {"properties": {"detail": {"type": "null"}}},
            *_models_with_detail(handler),
        ],
    }


def _formats() -> list[str]:
    """Return the formats with their second names."""
    reader = OPTIONS["format"].reader
    assert isinstance(reader, Choice)
    return list(dict.fromkeys([*reader.names, *reader.aliases]))


def _words(names: Sequence[str]) -> str:
    """Return the pattern of some of these words with commas between them."""
    word = f" *({'|'.join(names)}) *"
    return f"^(all|none|{word}(,{word})*)$"


def _networks(handler: RequestHandler) -> list[tuple[str, int]]:
    """(name, scale) of each."""
    models = handler.engine.models
    return [(name, scale) for name, scales in models.items() for scale in scales]


def _models_with_detail(handler: RequestHandler) -> list[Schema]:
    """The alternative of naming one, where there are such models."""
    names = list(handler.engine.details)
    if not names:
        return []
    if handler.settings.model in names:
        return [{"properties": {"model": {"enum": [*names, None]}}}]
    return [{"required": ["model"], "properties": {"model": {"enum": names}}}]


def _outputs(handler: RequestHandler) -> Sequence[str]:
    return OUTPUTS if handler.can_answer_with_links else OUTPUTS[:1]


def _result_schema(handler: RequestHandler) -> Schema:
    about = {
        "width": {"type": "integer", "minimum": 1, "description": "Pixels of the result."},
        "height": {"type": "integer", "minimum": 1},
        "format": {"enum": [each.name for each in WRITABLE]},
        "model": {"enum": list(handler.engine.models)},
        "scale": {"enum": list(SCALES)},
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "result": {
                "type": "string",
                "contentEncoding": "base64",
                "description": "The picture's file in base64.",
            },
            "result_url": {
                "type": "string",
                "description": "A link to the picture's file that expires.",
            },
            **about,
            "notes": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Codes for what the picture had and the result has not.",
            },
        },
        "required": list(about),
        "oneOf": [{"required": ["result"]}, {"required": ["result_url"]}],
    }


def _error_schema() -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["error", "message", "details", "request_id"],
        "properties": {
            "error": {"type": "string", "description": "The code, for programs."},
            "message": {"type": "string", "description": "A sentence, for people."},
            "details": {"type": "object"},
            "request_id": {"type": "string", "pattern": "^[A-Za-z0-9-]{1,64}$"},
        },
    }


def _health_schema() -> Schema:
    network = {
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "scale"],
        "properties": {"name": {"type": "string"}, "scale": {"type": "integer"}},
    }
    sentences = {"type": "array", "items": {"type": "string"}}
    properties: Schema = {
        "status": {"enum": ["ok", "unavailable"]},
        "version": {"type": "string"},
        "models": {"type": "array", "items": network},
        "providers": sentences,
        "running": {"type": "integer", "minimum": 0},
        "waiting": {"type": "integer", "minimum": 0},
        "warnings": sentences,
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


def _request_examples(handler: RequestHandler) -> Schema:
    examples: Schema = {
        "smallest": {
            "summary": "Only a picture: twice as large, by the default model",
            "value": {"img": _example_picture("PNG", (8, 6))},
        },
        "asVersion1": {
            "summary": "As callers of version 1.0 write it",
            "value": {"img": _example_picture("JPEG", (16, 12)), "scale": "2"},
        },
    }
    for name, scale in _networks(handler):
        examples[f"{name}X{scale}"] = {
            "summary": f"Everything said: {name}, {scale} times, as a WebP",
            "value": {
                "img": "data:image/png;base64," + _example_picture("PNG", (8, 6)),
                "scale": scale,
                "model": name,
                "format": "webp",
                "output": "base64",
                "cleanup": "off",
            },
        }
    return examples


def _result_example(handler: RequestHandler) -> Schema:
    name, scale = _networks(handler)[0]
    width, height = 8 * scale, 6 * scale
    return {
        "result": _example_picture("PNG", (width, height)),
        "width": width,
        "height": height,
        "format": "png",
        "model": name,
        "scale": scale,
    }


def _example_picture(format: str, size: tuple[int, int]) -> str:
    """A gradient, as base64."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(buffer, format)
    return base64.b64encode(buffer.getvalue()).decode()


def _errors(handler: RequestHandler) -> list[errors.SuperResolutionError]:
    """One real error of each kind that a request can be answered with."""
    settings = handler.settings
    return [
        errors.RequestError(),
        errors.UnsupportedScaleError(3, allowed=SCALES),
        errors.UnknownModelError("best", known=list(handler.engine.models)),
        errors.UnsupportedMediaTypeError.not_a_picture(labels(READABLE)),
        errors.PayloadTooLargeError.over(settings.max_body_bytes, what="request"),
        errors.ReplyTooLargeError(8_000_000, max_bytes=6_000_000),
        errors.DeadlineError.estimated(40.0, limit=29.0),
        errors.ImageError(),
        errors.ImageTooLargeError.input(5000, 3000, max_side=settings.max_side),
        errors.SourceNotAllowedError(),
        errors.SourceNotFoundError(),
        errors.SourceUnreachableError(),
        errors.SourceTimeoutError(),
        errors.BusyError.for_seconds(4),
        errors.ModelError("The network 'fast' x2 is not installed.", model="fast"),
        errors.InferenceError(),
        errors.AuthenticationError(),
        errors.SlowRequestError(),
        errors.TooManyRequestsError.pictures(4),
        errors.SuperResolutionError(),
        errors.NotFoundError(),
        errors.MethodNotAllowedError(),
    ]


def _error_responses(refusals: Sequence[errors.SuperResolutionError]) -> Schema:
    """A response a status, with an example of each code."""
    responses: Schema = {}
    for status in sorted({error.status for error in refusals}):
        examples: Schema = {
            error.code: {"value": _error_example(error)}
            for error in refusals
            if error.status == status
        }
        headers = _headers()
        if status in (errors.BusyError.status, errors.TooManyRequestsError.status):
            headers["Retry-After"] = {
                "description": "Seconds; only with `busy` and `too_many_requests`.",
                "schema": {"type": "integer", "minimum": 0},
            }
        if status == errors.MethodNotAllowedError.status:
            headers["Allow"] = {"schema": {"type": "string"}, "required": True}
        responses[str(status)] = {
            "description": ERROR_DESCRIPTIONS[status],
            "headers": headers,
            "content": {"application/json": {"schema": _ref("Error"), "examples": examples}},
        }
    return responses


def _error_example(error: errors.SuperResolutionError) -> Schema:
    return {
        "error": error.code,
        "message": error.message,
        "details": error.details,
        "request_id": REQUEST_ID,
    }


def _headers() -> Schema:
    return {
        "X-Request-Id": {
            "required": True,
            "description": "The caller's own, or one made here.",
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9-]{1,64}$"},
        }
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
