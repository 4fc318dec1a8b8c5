"""Everything that can go wrong, as one tree; the class decides the code and the HTTP status.

SuperResolutionError              internal_error           500
├── RequestError                  invalid_request          400
│   ├── UnsupportedScaleError     unsupported_scale        400
│   ├── UnknownModelError         unknown_model            400
│   ├── NotFoundError             not_found                404 (only over HTTP)
│   └── MethodNotAllowedError     method_not_allowed       405 (only over HTTP)
├── AuthenticationError           missing_authentication   401 (only over HTTP)
├── SlowRequestError              request_timed_out        408 (only over HTTP)
├── TooManyRequestsError          too_many_requests        429 (only over HTTP)
├── UnsupportedMediaTypeError     unsupported_media_type   415
├── PayloadTooLargeError          payload_too_large        413
├── ImageError                    invalid_image            422
│   └── ImageTooLargeError        image_too_large          422
├── ReplyTooLargeError            reply_too_large          413
├── DeadlineError                 would_time_out           413
├── SourceError
│   ├── SourceNotAllowedError     source_not_allowed       403
│   ├── SourceNotFoundError       source_not_found         404
│   ├── SourceUnreachableError    source_unreachable       502
│   └── SourceTimeoutError        source_timeout           504
├── BusyError                     busy                     503
├── ModelError                    model_unavailable        503
├── InferenceError                inference_failed         500
├── RemoteError                   code and status of a remote engine's error
└── CancelledError                cancelled                499 (only inside the process)

Messages are sentences for a person. Those that servers send have no path, key, traceback or text of
a library; the command line's name the files that the caller gave. A sentence of several modules is
a class method here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

JsonValue = str | int | float | bool | None | list[str] | list[int]


class SuperResolutionError(Exception):
    """The root: `message` is for a person, `details` for a program.

    Without a message it is the class's usual `sentence`; the root's is for unexpected failures,
    whose own text stays in the log.
    """

    code: str = "internal_error"
    status: int = 500
    sentence: ClassVar[str] = "Something went wrong on our side."

    def __init__(self, message: str | None = None, **details: JsonValue) -> None:
        self.message = message or self.sentence
        self.details = details
        super().__init__(self.message)


class RequestError(SuperResolutionError):
    """The request itself is wrong: a missing, unknown or malformed field."""

    code = "invalid_request"
    status = 400
    sentence = "Send exactly one of 'url' and 'img'."

    @classmethod
    def not_one_of(cls, field: str, choices: Sequence[str]) -> RequestError:
        return cls(f"'{field}' is one of: {', '.join(choices)}.", field=field)

    @classmethod
    def given_twice(cls, field: str) -> RequestError:
        return cls(f"'{field[:40]}' is given twice.", field=field[:40])

    @classmethod
    def not_http(cls) -> RequestError:
        return cls("The request is not valid HTTP.")

    @classmethod
    def not_a_web_address(cls) -> RequestError:
        return cls("The 'url' is not a valid web address.", field="url")


class UnsupportedScaleError(RequestError):
    """A scale that no network has."""

    code = "unsupported_scale"

    def __init__(self, scale: int, *, allowed: Sequence[int]) -> None:
        super().__init__(
            f"The scale {scale} is not available; choose {alternatives(allowed)}.",
            scale=scale,
            allowed=list(allowed),
        )


class UnknownModelError(RequestError):
    """A model name that is not in any manifest."""

    code = "unknown_model"

    def __init__(self, model: str, *, known: Sequence[str]) -> None:
        shown = model if len(model) <= 40 else model[:40] + "…"
        super().__init__(
            f"There is no model named '{shown}'; choose one of: {', '.join(known)}.",
            model=shown,
            known=list(known),
        )


class NotFoundError(RequestError):
    """An error for a path where the server has nothing."""

    code = "not_found"
    status = 404
    sentence = "There is nothing here; pictures go to POST /resolution."


class MethodNotAllowedError(RequestError):
    code = "method_not_allowed"
    status = 405
    sentence = "This address does not accept that method."


class AuthenticationError(SuperResolutionError):
    """The server asks for a token, and the request has none or a wrong one."""

    code = "missing_authentication"
    status = 401
    sentence = "Send this server's token in the header 'Authorization: Bearer …'."


class SlowRequestError(SuperResolutionError):
    code = "request_timed_out"
    status = 408
    sentence = "The request arrived too slowly."


class TooManyRequestsError(SuperResolutionError):
    """One client asks for more than its share; `retry_after` is in seconds."""

    code = "too_many_requests"
    status = 429
    sentence = "This client already has as many pictures waiting as allowed."

    def __init__(self, message: str | None = None, *, seconds: float) -> None:
        super().__init__(message, retry_after=retry_after_from(seconds))


class UnsupportedMediaTypeError(SuperResolutionError):
    """The bytes are not a picture of a kind that is read here."""

    code = "unsupported_media_type"
    status = 415
    sentence = "Send the request as JSON, with the header 'Content-Type: application/json'."


class PayloadTooLargeError(SuperResolutionError):
    """More bytes than the limit."""

    code = "payload_too_large"
    status = 413

    @classmethod
    def over(cls, max_bytes: int, *, what: str) -> PayloadTooLargeError:
        """Say the limit of `what`, a `request` or a `picture`."""
        return cls(
            f"The {what} has more bytes than the limit of {size_in_words(max_bytes)}.",
            max_bytes=max_bytes,
        )


class ImageError(SuperResolutionError):
    code = "invalid_image"
    status = 422
    sentence = "The picture is damaged and cannot be read."


class ImageTooLargeError(ImageError):
    """More pixels than the limit, in or out."""

    code = "image_too_large"

    @classmethod
    def input(cls, width: int, height: int, *, max_side: int) -> ImageTooLargeError:
        """Say that the picture's header announces too many pixels."""
        return cls(
            f"The picture is {width} x {height} pixels; at most {max_side} on its longest side.",
            width=width,
            height=height,
            max_side=max_side,
        )

    @classmethod
    def output(cls, width: int, height: int, *, because: str) -> ImageTooLargeError:
        """Say why a result is not made; `because` ends the sentence."""
        return cls(
            f"The result would be {width} x {height} pixels{because}", width=width, height=height
        )


class ReplyTooLargeError(SuperResolutionError):
    """The result does not fit the transport, and there is no bucket to put it in."""

    code = "reply_too_large"
    status = 413
    sentence = (
        "The result is too large for one answer; choose a smaller scale, "
        "'format': 'jpeg', or, where a results bucket is configured, 'output': 'url'."
    )

    def __init__(self, size: int, *, max_bytes: int, message: str | None = None) -> None:
        super().__init__(message, bytes=size, max_bytes=max_bytes)


class DeadlineError(SuperResolutionError):
    """The transport would cut the answer off by the estimate, or it has already taken too long."""

    code = "would_time_out"
    status = 413
    sentence = (
        "This took longer than the time for one request; send a smaller picture or choose a "
        "faster model."
    )


class SourceError(SuperResolutionError):
    """The picture could not be fetched from its address."""


class SourceNotAllowedError(SourceError):
    """The address is private, of a forbidden kind, or in a bucket that is not listed."""

    code = "source_not_allowed"
    status = 403
    sentence = "Only http, https and s3 addresses are read."


class SourceNotFoundError(SourceError):
    code = "source_not_found"
    status = 404
    sentence = "There is nothing at the address."


class SourceUnreachableError(SourceError):
    code = "source_unreachable"
    status = 502
    sentence = "The address cannot be reached."


class SourceTimeoutError(SourceError):
    code = "source_timeout"
    status = 504
    sentence = "Fetching the picture took too long."


class BusyError(SuperResolutionError):
    """The queue is full; `retry_after` is in seconds."""

    code = "busy"
    status = 503
    sentence = "Too many pictures are waiting; try again in a moment."

    def __init__(self, message: str | None = None, *, seconds: float) -> None:
        super().__init__(message, retry_after=retry_after_from(seconds))

    @classmethod
    def out_of_memory(cls) -> BusyError:
        """Return the error for a machine that has no memory left."""
        return cls("This machine is out of memory; try again in a moment.", seconds=5)


class ModelError(SuperResolutionError):
    """A network's file is missing, changed or not usable."""

    code = "model_unavailable"
    status = 503


class InferenceError(SuperResolutionError):
    code = "inference_failed"
    sentence = "The network failed while it ran."

    @classmethod
    def wrong_size(cls) -> InferenceError:
        """Say that the result is not `scale` times its input."""
        return cls("The network returned a picture of another size.")


class RemoteError(SuperResolutionError):
    """A remote engine's error, passed on with its own code, status and details."""

    def __init__(
        self, message: str, *, code: str, status: int, details: Mapping[str, JsonValue]
    ) -> None:
        super().__init__(message, **details)
        self.code = code
        self.status = status


class CancelledError(SuperResolutionError):
    """The caller asked to stop; never sent to a client."""

    code = "cancelled"
    status = 499
    sentence = "The request was cancelled."


def alternatives(choices: Sequence[object]) -> str:
    """Return `1, 2 or 4`, for a sentence."""
    *others, last = map(str, choices)
    return f"{', '.join(others)} or {last}" if others else last


def retry_after_from(seconds: float) -> int:
    """Return whole seconds for the header, at least one."""
    return max(1, math.ceil(seconds))


def size_in_words(count: int) -> str:
    """Format bytes in the largest unit that is exact: `32 MiB`, `60,000 bytes`."""
    mebibyte = 2**20
    return f"{count:,} bytes" if count % mebibyte else f"{count // mebibyte} MiB"
