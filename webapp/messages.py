"""Every error as a visitor reads it: what happened, and what helps."""

from __future__ import annotations

from dataclasses import dataclass

from backend import SuperResolutionError
from webapp.cloud.errors import EndpointError


@dataclass(frozen=True, kw_only=True)
class Message:
    """Two or three short sentences for someone who knows nothing of the inside."""

    title: str
    hint: str
    """What to do now."""
    shows_detail: bool = False
    """The error's own sentence says more than the title: a size, a limit, a reason."""


MESSAGES: dict[str, Message] = {
    "internal_error": Message(
        title="Something went wrong on our side",
        hint="Please try again. If it happens again, try another picture.",
    ),
    "invalid_request": Message(
        title="That did not work with these choices",
        hint="Please check your choices and try again.",
        shows_detail=True,
    ),
    "unsupported_scale": Message(
        title="This enlargement is not available",
        hint="Please choose another one.",
        shows_detail=True,
    ),
    "unknown_model": Message(
        title="This model is not available",
        hint="Please choose another one, or reload the page.",
    ),
    "not_found": Message(
        title="The enhancer is not where it should be",
        hint="Whoever runs this page has to check the address of the engine.",
    ),
    "method_not_allowed": Message(
        title="The enhancer does not understand this page",
        hint="Whoever runs this page has to check the address of the engine.",
    ),
    "unsupported_media_type": Message(
        title="This file is not a picture we can read",
        hint="Please choose a JPEG, PNG or BMP file. Animations and HEIC photos have to be saved "
        "as one of these first.",
    ),
    "payload_too_large": Message(
        title="This file is too big",
        hint="Please choose a smaller file, or save the picture as a JPEG first.",
        shows_detail=True,
    ),
    "invalid_image": Message(
        title="This picture is damaged",
        hint="It could not be read to its end. Please try another copy of it, or another picture.",
    ),
    "image_too_large": Message(
        title="This picture is already very large",
        hint="Please choose a smaller picture, or cut out the part you need.",
        shows_detail=True,
    ),
    "reply_too_large": Message(
        title="The result is too large to send",
        hint="Please choose the smaller enlargement or a smaller picture.",
    ),
    "would_time_out": Message(
        title="This would take too long",
        hint="Please choose the smaller enlargement, a faster model or a smaller picture.",
        shows_detail=True,
    ),
    "source_not_allowed": Message(
        title="This link cannot be used",
        hint="Please paste a public link that starts with https:// and leads to a picture, or "
        "save the picture and upload it.",
        shows_detail=True,
    ),
    "source_not_found": Message(
        title="There is no picture at this link",
        hint="Please check the link. It may be misspelt, or the picture may have moved.",
    ),
    "source_unreachable": Message(
        title="This link cannot be reached",
        hint="Please check the link, or save the picture and upload it.",
        shows_detail=True,
    ),
    "source_timeout": Message(
        title="The other site is too slow",
        hint="Please try again, or save the picture and upload it.",
    ),
    "busy": Message(
        title="Many people are using this right now",
        hint="Please press Enhance again in a moment.",
    ),
    "model_unavailable": Message(
        title="The enhancer is not ready",
        hint="Whoever runs this page can find out more with the command “doctor”.",
        shows_detail=True,
    ),
    "inference_failed": Message(
        title="The enhancer stumbled over this picture",
        hint="Please try again, or try another picture.",
    ),
    "cancelled": Message(
        title="Cancelled",
        hint="Press Enhance to start again.",
    ),
}
"""By the error's code."""


def message_of(error: SuperResolutionError) -> Message:
    """A code that a newer engine invents is something that went wrong on our side."""
    if isinstance(error, EndpointError):
        return Message(title=error.title, hint=error.hint, shows_detail=True)
    return MESSAGES.get(error.code, MESSAGES["internal_error"])


def text_of(error: SuperResolutionError) -> str:
    """What stands below the title."""
    message = message_of(error)
    return f"{error.message} {message.hint}" if message.shows_detail else message.hint


def time_left(seconds: float) -> str:
    """Rounded as a person would say it."""
    if seconds < 3:
        return "a moment left"
    if seconds < 10:
        return f"about {round(seconds)} s left"
    if seconds < 90:
        return f"about {5 * round(seconds / 5)} s left"
    return f"about {round(seconds / 60)} min left"


def size_of_file(count: int) -> str:
    """Bytes in units a person knows."""
    if count < 1000:
        return f"{count} bytes"
    if count < 1_000_000:
        return f"{round(count / 1000)} kB"
    return f"{count / 1_000_000:.1f} MB"


def duration(seconds: float) -> str:
    """How long something took."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{int(seconds // 60)} min {round(seconds % 60)} s"
