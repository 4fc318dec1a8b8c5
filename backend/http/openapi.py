"""The server's description of itself, made from the handler's own facts."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

from PIL import Image

from backend import __version__
from backend.errors import (
    AuthenticationError,
    BusyError,
    DeadlineError,
    ImageError,
    ImageTooLargeError,
    InferenceError,
    JsonValue,
    MethodNotAllowedError,
    ModelError,
    NotFoundError,
    ReplyTooLargeError,
    RequestError,
    SlowRequestError,
    SourceNotAllowedError,
    SourceNotFoundError,
    SourceTimeoutError,
    SourceUnreachableError,
    SuperResolutionError,
    TooManyRequestsError,
    UnknownModelError,
    UnsupportedMediaTypeError,
    UnsupportedScaleError,
    unexpected_error,
)
from backend.options import FORMATS, MAX_DIGITS, OUTPUTS, SCALES
from backend.protocol import RequestHandler
from backend.reply import body_too_large

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
            "/invocations": {
                "post": resolution
                | {"operationId": "invoke", "summary": "The same, as SageMaker calls it"}
            },
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


def _ping() -> Schema:
    answer = {"application/json": {"schema": _ref("Health")}}
    return {
        "summary": "Whether the server is up, and with which networks",
        "operationId": "ping",
        "responses": {
            "200": {"description": "Ready", "content": answer},
            "503": {"description": "The default network cannot be loaded", "content": answer},
            **_error_responses([_method_not_allowed()]),
        },
    }


def _self() -> Schema:
    answer = {"application/json": {"schema": {"type": "object"}}}
    return {
        "summary": "This document",
        "operationId": "describe",
        "responses": {
            "200": {"description": "OpenAPI 3.1", "content": answer},
            **_error_responses([_method_not_allowed()]),
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
                    "A JPEG, PNG or BMP in base64, with or without 'data:image/…;base64,' before "
                    f"it; at most {settings.max_image_bytes} bytes (about {longest} characters) "
                    f"and {settings.max_side} pixels on its longest side."
                ),
            },
            "url": {
                "type": ["string", "null"],
                "minLength": 1,
                "format": "picture-address",
                "description": "http, https or s3 address of a JPEG, PNG or BMP.",
            },
            "scale": {
                "anyOf": [
                    {"type": "integer", "enum": scales},
                    {"type": "string", "pattern": f"^0{{0,{MAX_DIGITS - 1}}}[{digits}]$"},
                    {"type": "null"},
                ],
                "default": scales[0],
                "description": "How many times wider and higher; digits in a string are accepted.",
            },
            "model": {
                "enum": [*list(handler.engine.models), None],
                "default": settings.model,
                "description": "Which network.",
            },
            "format": {
                "enum": [*FORMATS, None],
                "default": FORMATS[0],
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
        },
        "oneOf": [
            {
                "required": [chosen],
                "properties": {chosen: alternatives[chosen], other: {"type": "null"}},
            }
            for chosen, other in (("img", "url"), ("url", "img"))
        ],
    }


def _networks(handler: RequestHandler) -> list[tuple[str, int]]:
    """(name, scale) of each."""
    models = handler.engine.models
    return [(name, scale) for name, scales in models.items() for scale in scales]


def _outputs(handler: RequestHandler) -> Sequence[str]:
    return OUTPUTS if handler.can_answer_with_links else OUTPUTS[:1]


def _result_schema(handler: RequestHandler) -> Schema:
    about = {
        "width": {"type": "integer", "minimum": 1, "description": "Pixels of the result."},
        "height": {"type": "integer", "minimum": 1},
        "format": {"enum": [name for name in FORMATS if name != "auto"]},
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


def _errors(handler: RequestHandler) -> list[SuperResolutionError]:
    """One real error of each kind that a request can be answered with."""
    settings = handler.settings
    return [
        RequestError("Send exactly one of 'url' and 'img'."),
        UnsupportedScaleError(3, allowed=SCALES),
        UnknownModelError("best", known=list(handler.engine.models)),
        UnsupportedMediaTypeError(
            "This is not a picture that can be read here; send a JPEG, PNG or BMP."
        ),
        body_too_large(settings.max_body_bytes),
        ReplyTooLargeError(
            "The result is too large for one answer; choose a smaller scale.",
            bytes=8_000_000,
            max_bytes=6_000_000,
        ),
        DeadlineError(
            "This would take about 40 seconds and the limit is 29; send a smaller picture or "
            "choose a faster model.",
            estimated_seconds=40.0,
            limit_seconds=29.0,
        ),
        ImageError("The picture is damaged and cannot be read."),
        ImageTooLargeError(
            f"The picture is 5000 x 3000 pixels; at most {settings.max_side} on its longest side.",
            width=5000,
            height=3000,
            max_side=settings.max_side,
        ),
        SourceNotAllowedError("Addresses inside a private network are not fetched."),
        SourceNotFoundError("There is nothing at this address."),
        SourceUnreachableError("The address cannot be reached."),
        SourceTimeoutError("The address took too long to answer."),
        BusyError("Too many pictures are waiting; try again in a moment.", retry_after=4),
        ModelError("The network 'fast' x2 is not installed.", model="fast"),
        InferenceError("The network failed while it ran."),
        AuthenticationError("This server wants a token, as the header 'Authorization: Bearer …'."),
        SlowRequestError("The request arrived too slowly."),
        TooManyRequestsError(
            "This client has as many pictures waiting as one may have.", retry_after=4
        ),
        unexpected_error(),
        NotFoundError("There is nothing here; pictures go to POST /resolution."),
        _method_not_allowed(),
    ]


def _method_not_allowed() -> SuperResolutionError:
    return MethodNotAllowedError("This address does not answer that method.")


def _error_responses(errors: Sequence[SuperResolutionError]) -> Schema:
    """A response a status, with an example of each code."""
    responses: Schema = {}
    for status in sorted({error.status for error in errors}):
        examples: Schema = {
            error.code: {"value": _error_example(error)}
            for error in errors
            if error.status == status
        }
        headers = _headers()
        if status in (BusyError.status, TooManyRequestsError.status):
            headers["Retry-After"] = {
                "description": "Seconds; only with `busy` and `too_many_requests`.",
                "schema": {"type": "integer", "minimum": 0},
            }
        if status == MethodNotAllowedError.status:
            headers["Allow"] = {"schema": {"type": "string"}, "required": True}
        responses[str(status)] = {
            "description": ERROR_DESCRIPTIONS[status],
            "headers": headers,
            "content": {"application/json": {"schema": _ref("Error"), "examples": examples}},
        }
    return responses


def _error_example(error: SuperResolutionError) -> dict[str, JsonValue | dict[str, JsonValue]]:
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
