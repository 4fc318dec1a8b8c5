"""Responses without a picture as errors: ours by code, AWS's by kind, others by status.

API Gateway names the kind in the header `x-amzn-ErrorType`; our own stacks name it in the error's
code; where a proxy drops the header, the beginning of AWS's sentence is left. Texts of strangers
are shown only where nothing can hide in them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from backend import SuperResolutionError
from backend.errors import BusyError, CancelledError, JsonValue, PayloadTooLargeError
from webapp.client.errors import (
    REASONS,
    EndpointAnswerError,
    EndpointError,
    EndpointRefusedError,
    EndpointTimeoutError,
)
from webapp.client.transport import Response

RETRY_AFTER_SECONDS = 5
COLD_STATUSES = (502, 503, 504)
THROTTLED, TIMEOUT, TOO_LARGE = "throttled", "timeout", "too_large"
"""Kinds of refusal with errors of their own; the others are reasons of EndpointRefusedError."""
_HARMLESS = re.compile(r"[\w .,;:'’\"“”()/%×+!?…`-]{1,200}")
_TELLING = re.compile(r"arn:|://|\d{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Sign:
    """The signs of a kind; a text is the beginning of a message in lower case."""

    kind: str
    codes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def is_on(self, *, code: str, type: str, text: str) -> bool:
        """Return whether one of the three signs is there."""
        return code in self.codes or type in self.types or text.startswith(self.texts)


SIGNS = (
    Sign(
        "credentials",
        codes=("invalid_signature", "expired_token"),
        types=(
            "InvalidSignatureException",
            "IncompleteSignatureException",
            "ExpiredTokenException",
            "ExpiredToken",
            "UnrecognizedClientException",
            "InvalidClientTokenId",
        ),
        texts=(
            "signature expired",
            "signature not yet current",
            "the request signature we calculated",
            "credential should be scoped",
            "the security token included in the request",
        ),
    ),
    Sign(
        "role",
        codes=("access_denied",),
        types=("AccessDeniedException",),
        texts=("user: ", "user is not authorized"),
    ),
    Sign(
        "path",
        codes=("missing_authentication",),
        types=("MissingAuthenticationTokenException",),
        texts=("missing authentication token",),
    ),
    Sign(
        "api_key",
        codes=("invalid_api_key", "quota_exceeded", "blocked"),
        types=("ForbiddenException",),
        texts=("forbidden", "limit exceeded"),
    ),
    Sign(
        THROTTLED,
        codes=("too_many_requests",),
        types=("TooManyRequestsException",),
        texts=("too many requests", "rate exceeded"),
    ),
    Sign(TIMEOUT, codes=("timed_out",), texts=("endpoint request timed out",)),
    Sign(
        TOO_LARGE,
        types=("RequestTooLargeException",),
        texts=("request too long", "http content length exceeded"),
    ),
)


STATUS_KINDS = {
    408: TIMEOUT,
    413: TOO_LARGE,
    429: THROTTLED,
    504: TIMEOUT,
}
"""Kinds by status alone."""


def refusal(response: Response, fields: Mapping[str, object] | None) -> SuperResolutionError:
    """Make the error for a response without a picture; `fields` if it is a JSON object."""
    named = _ours(fields)
    if named is not None:
        return named
    kind = kind_from(response, fields) or STATUS_KINDS.get(response.status)
    return _unknown(response, fields) if kind is None else _error_for_kind(kind)


def may_be_a_cold_start(response: Response, fields: Mapping[str, object] | None) -> bool:
    """Return whether to ask again: the endpoint gave up, not our engine in it."""
    if kind_from(response, fields) == TIMEOUT:
        return True
    named = _ours(fields)
    is_the_engines = named is not None and not isinstance(named, EndpointError)
    return response.status in COLD_STATUSES and not is_the_engines


def kind_from(response: Response, fields: Mapping[str, object] | None) -> str | None:
    """Return the kind that API Gateway reports, in one of three ways."""
    fields = fields or {}
    code = str(fields.get("error", ""))
    type_name = response.headers.get("x-amzn-ErrorType", "").partition(":")[0]
    text = str(fields.get("message") or fields.get("Message") or "").lower()
    for sign in SIGNS:
        if sign.is_on(code=code, type=type_name, text=text):
            return sign.kind
    return None


def _ours(fields: Mapping[str, object] | None) -> SuperResolutionError | None:
    """Return the error that the endpoint's engine raised, with its message and details."""
    if fields is None or not isinstance(fields.get("message"), str):
        return None
    found = _classes().get(str(fields.get("error")))
    if found is None:
        return None
    text = _sentence(fields["message"])
    if found is EndpointError:
        return EndpointError("says", text=text.rstrip(".")) if text else EndpointError("failed")
    error = found.__new__(found)
    SuperResolutionError.__init__(error, text or REASONS["unexplained"])
    error.details = _details(fields.get("details"))
    return error


def _classes() -> dict[str, type[SuperResolutionError]]:
    """Return the errors by their own codes; codes that API Gateway uses too count as its own."""
    tree = [SuperResolutionError]
    for each in tree:
        tree += each.__subclasses__()
    others = {SuperResolutionError.code, CancelledError.code, *chain(*(s.codes for s in SIGNS))}
    by_code = {each.code: each for each in tree if each.code not in others}
    return by_code | {SuperResolutionError.code: EndpointError}


def _details(given: object) -> dict[str, JsonValue]:
    if not isinstance(given, Mapping):
        return {}
    plain = (str, int, float, bool, type(None))
    return {str(name): value for name, value in given.items() if isinstance(value, plain)}


def _error_for_kind(kind: str) -> SuperResolutionError:
    if kind == TIMEOUT:
        return EndpointTimeoutError("own_limit")
    if kind == TOO_LARGE:
        return PayloadTooLargeError("The endpoint does not take so many bytes.")
    if kind == THROTTLED:
        return BusyError("The endpoint has too many requests.", seconds=RETRY_AFTER_SECONDS)
    return EndpointRefusedError(kind)


def _unknown(response: Response, fields: Mapping[str, object] | None) -> SuperResolutionError:
    """Make the error for a response of no known kind."""
    if response.status in (401, 403):
        return EndpointRefusedError("unknown_refusal", status=response.status)
    if response.status >= 500:
        return EndpointError("failed_with_status", status=response.status)
    if text := _foreign_message(response, fields):
        return EndpointAnswerError("says", text=text)
    if fields is not None and {"errorMessage", "message"} & fields.keys():
        return EndpointError("failed")
    return EndpointAnswerError("another_service", status=response.status)


def _foreign_message(response: Response, fields: Mapping[str, object] | None) -> str | None:
    """Return an older kit's own words: plain text, or the message of a JSON object."""
    if fields is not None:
        for name in ("message", "errorMessage", "error"):
            if isinstance(fields.get(name), str):
                return _sentence(fields[name])
        return None
    try:
        return _sentence(response.body.decode().strip(' \t\r\n"').rstrip("."))
    except UnicodeDecodeError:
        return None


def _sentence(text: object) -> str | None:
    """Return a stranger's text if it is short and without markup, address, account or name."""
    if isinstance(text, str) and _HARMLESS.fullmatch(text) and not _TELLING.search(text):
        return text.replace("`", "'")
    return None
