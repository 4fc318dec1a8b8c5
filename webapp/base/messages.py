"""Every error as a visitor reads it: what happened, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from backend.errors import SuperResolutionError
from webapp.base.errors import PageError
from webapp.base.texts import ENDPOINT_REASON, Texts
from webapp.client.errors import EndpointError


@dataclass(frozen=True, kw_only=True)
class Message:
    """Two or three short sentences for a layperson."""

    title: str
    detail: str
    """A size, a limit or a reason; empty if the title is enough."""
    hint: str
    """Advice on what to do now."""

    @property
    def body(self) -> str:
        """The text below the title."""
        return f"{self.detail} {self.hint}".strip()


def message_for(error: SuperResolutionError, t: Texts) -> Message:
    """Return the message for an error; an unknown code counts as an internal error."""
    if isinstance(error, EndpointError):
        key = f"endpoint.{error.kind}"
        detail = t(f"{ENDPOINT_REASON}.{error.reason}", **error.details)
        return Message(title=t(f"{key}.title"), detail=detail, hint=t(f"{key}.hint"))
    name = error.key if isinstance(error, PageError) else error.code
    if t.get(f"error.{name}.title") is None:
        name = "internal_error"
    return Message(
        title=t(f"error.{name}.title"),
        detail=_detail(f"error.{name}", error, t),
        hint=t(f"error.{name}.hint"),
    )


def _detail(key: str, error: SuperResolutionError, t: Texts) -> str:
    """Return the sentence with figures if the error has them."""
    for name in ("detail_cloud", "detail_limit", "detail"):
        try:
            text = t.get(f"{key}.{name}", **_written(error, t))
        except KeyError:
            continue
        if text is not None:
            return text
    return ""


def _written(error: SuperResolutionError, t: Texts) -> dict[str, object]:
    """Write the details for a text: sizes in units, times rounded."""
    written: dict[str, object] = dict(error.details)
    for name, value in error.details.items():
        if isinstance(value, int | float):
            if name.endswith("bytes"):
                written[f"{name}_size"] = t.limit(round(value))
            elif name.endswith("seconds"):
                written[f"{name}_time"] = t.duration(value)
    return written
