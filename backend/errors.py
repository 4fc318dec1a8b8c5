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
├── RemoteError                   those of the engine elsewhere
└── CancelledError                cancelled                499 (only inside the process)

Messages are sentences for a person: no path, key, traceback or library text is ever put into one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

JsonValue = str | int | float | bool | None | list[str] | list[int]


class SuperResolutionError(Exception):
    """The root: `message` is for a person, `details` for a program."""

    code: str = "internal_error"
    status: int = 500

    def __init__(self, message: str, **details: JsonValue) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


def unexpected_error() -> SuperResolutionError:
    """For a failure that nobody foresaw: its own text stays in the log."""
    return SuperResolutionError("Something went wrong on our side.")


class RequestError(SuperResolutionError):
    """The request itself is wrong: a missing, unknown or malformed field."""

    code = "invalid_request"
    status = 400


class UnsupportedScaleError(RequestError):
    """A scale no network was made for."""

    code = "unsupported_scale"

    def __init__(self, scale: int, *, allowed: Sequence[int]) -> None:
        choices = " or ".join(str(each) for each in allowed)
        super().__init__(
            f"The scale {scale} is not available; choose {choices}.",
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
    """There is nothing at this path of the server."""

    code = "not_found"
    status = 404


class MethodNotAllowedError(RequestError):
    """The path exists, and is asked for with another method."""

    code = "method_not_allowed"
    status = 405


class AuthenticationError(SuperResolutionError):
    """The server asks for a token, and the request has none or another."""

    code = "missing_authentication"
    status = 401


class SlowRequestError(SuperResolutionError):
    """The request's body did not arrive in time."""

    code = "request_timed_out"
    status = 408


class TooManyRequestsError(SuperResolutionError):
    """One client asks for more than its share; `retry_after` is in seconds."""

    code = "too_many_requests"
    status = 429

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message, retry_after=retry_after)
        self.retry_after = retry_after


class UnsupportedMediaTypeError(SuperResolutionError):
    """The bytes are not a picture of a kind that is read here."""

    code = "unsupported_media_type"
    status = 415


class PayloadTooLargeError(SuperResolutionError):
    """More bytes than the limit."""

    code = "payload_too_large"
    status = 413


class ImageError(SuperResolutionError):
    """The picture is damaged or cannot be decoded."""

    code = "invalid_image"
    status = 422


class ImageTooLargeError(ImageError):
    """More pixels than the limit, in or out."""

    code = "image_too_large"


class ReplyTooLargeError(SuperResolutionError):
    """The result does not fit the transport, and there is no bucket to put it in."""

    code = "reply_too_large"
    status = 413


class DeadlineError(SuperResolutionError):
    """The estimate says that the transport would cut the answer off."""

    code = "would_time_out"
    status = 413


class SourceError(SuperResolutionError):
    """The picture could not be brought from its address."""


class SourceNotAllowedError(SourceError):
    """The address is private, of a forbidden kind, or in a bucket that is not listed."""

    code = "source_not_allowed"
    status = 403


class SourceNotFoundError(SourceError):
    """The other side says that there is nothing at the address."""

    code = "source_not_found"
    status = 404


class SourceUnreachableError(SourceError):
    """The other side cannot be reached or answers with an error."""

    code = "source_unreachable"
    status = 502


class SourceTimeoutError(SourceError):
    """The other side is too slow."""

    code = "source_timeout"
    status = 504


class BusyError(SuperResolutionError):
    """The queue is full; `retry_after` is in seconds."""

    code = "busy"
    status = 503

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message, retry_after=retry_after)
        self.retry_after = retry_after


class ModelError(SuperResolutionError):
    """A network's file is missing, changed or not usable."""

    code = "model_unavailable"
    status = 503


class InferenceError(SuperResolutionError):
    """The network failed while it ran."""

    code = "inference_failed"


class RemoteError(SuperResolutionError):
    """What an engine elsewhere refused with, passed on as it is."""

    def __init__(
        self, message: str, *, code: str, status: int, details: Mapping[str, JsonValue]
    ) -> None:
        super().__init__(message, **details)
        self.code = code
        self.status = status


class CancelledError(SuperResolutionError):
    """The caller asked to stop; never sent to anyone."""

    code = "cancelled"
    status = 499
