"""An answer without a picture as an error: ours by its code, AWS's by its kind, others by status.

API Gateway names the kind in the header `x-amzn-ErrorType`; our own stacks name it in the error's
code; where a proxy drops the header, the beginning of AWS's sentence is left. Texts of strangers
are shown only where nothing can hide in them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from backend import SuperResolutionError
from backend.errors import BusyError, CancelledError, JsonValue, PayloadTooLargeError
from webapp.cloud.endpoint import Endpoint
from webapp.cloud.errors import (
    EndpointAnswerError,
    EndpointError,
    EndpointRefusedError,
    EndpointTimeoutError,
)
from webapp.cloud.transport import Answer

RETRY_AFTER_SECONDS = 5
COLD_STATUSES = (502, 503, 504)
_HARMLESS = re.compile(r"[\w .,;:'’\"“”()/%×+!?…`-]{1,200}")
_TELLING = re.compile(r"arn:|://|\d{12}", re.IGNORECASE)


class Kind(Enum):
    """What API Gateway refuses for."""

    CLOCK = auto()
    SIGNATURE = auto()
    EXPIRED = auto()
    UNKNOWN_CREDENTIALS = auto()
    ROLE = auto()
    MISSING = auto()
    API_KEY = auto()
    BLOCKED = auto()
    QUOTA = auto()
    THROTTLED = auto()
    TIMEOUT = auto()
    TOO_LARGE = auto()


@dataclass(frozen=True)
class Sign:
    """How a kind shows; a text is the beginning of a message in small letters."""

    kind: Kind
    codes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    def is_on(self, *, code: str, type: str, text: str) -> bool:
        """Whether one of the three says so."""
        return code in self.codes or type in self.types or text.startswith(self.texts)


SIGNS = (
    # The texts of both of these come with InvalidSignatureException, which is also the next.
    Sign(Kind.CLOCK, texts=("signature expired", "signature not yet current")),
    Sign(
        Kind.SIGNATURE,
        codes=("invalid_signature",),
        types=("InvalidSignatureException", "IncompleteSignatureException"),
        texts=("the request signature we calculated", "credential should be scoped"),
    ),
    Sign(
        Kind.EXPIRED,
        codes=("expired_token",),
        types=("ExpiredTokenException", "ExpiredToken"),
        texts=("the security token included in the request is expired",),
    ),
    Sign(
        Kind.UNKNOWN_CREDENTIALS,
        types=("UnrecognizedClientException", "InvalidClientTokenId"),
        texts=("the security token included in the request is invalid",),
    ),
    Sign(
        Kind.ROLE,
        codes=("access_denied",),
        types=("AccessDeniedException",),
        texts=("user: ", "user is not authorized"),
    ),
    Sign(
        Kind.MISSING,
        codes=("missing_authentication",),
        types=("MissingAuthenticationTokenException",),
        texts=("missing authentication token",),
    ),
    Sign(Kind.BLOCKED, codes=("blocked",)),
    Sign(
        Kind.API_KEY,
        codes=("invalid_api_key",),
        types=("ForbiddenException",),
        texts=("forbidden",),
    ),
    Sign(Kind.QUOTA, codes=("quota_exceeded",), texts=("limit exceeded",)),
    Sign(
        Kind.THROTTLED,
        codes=("too_many_requests",),
        types=("TooManyRequestsException",),
        texts=("too many requests", "rate exceeded"),
    ),
    Sign(Kind.TIMEOUT, codes=("timed_out",), texts=("endpoint request timed out",)),
    Sign(
        Kind.TOO_LARGE,
        types=("RequestTooLargeException",),
        texts=("request too long", "http content length exceeded"),
    ),
)


STATUS_KINDS = {
    408: Kind.TIMEOUT,
    413: Kind.TOO_LARGE,
    429: Kind.THROTTLED,
    504: Kind.TIMEOUT,
}
"""What a status alone says."""


def refusal(
    answer: Answer, fields: Mapping[str, object] | None, *, endpoint: Endpoint
) -> SuperResolutionError:
    """The error to raise for an answer without a picture; `fields` when it is a JSON object."""
    named = _ours(fields)
    if named is not None:
        return named
    kind = kind_of(answer, fields)
    if kind is not None:
        return _of_kind(kind, endpoint)
    return _of_status(answer, fields)


def may_be_a_cold_start(answer: Answer, fields: Mapping[str, object] | None) -> bool:
    """Whether asking once more makes sense: the endpoint, not our engine in it, gave up."""
    if kind_of(answer, fields) is Kind.TIMEOUT:
        return True
    named = _ours(fields)
    is_the_engines = named is not None and not isinstance(named, EndpointError)
    return answer.status in COLD_STATUSES and not is_the_engines


def kind_of(answer: Answer, fields: Mapping[str, object] | None) -> Kind | None:
    """What API Gateway says, in one of the three ways."""
    fields = fields or {}
    code = str(fields.get("error", ""))
    type_name = answer.headers.get("x-amzn-ErrorType", "").partition(":")[0]
    text = str(fields.get("message") or fields.get("Message") or "").lower()
    for sign in SIGNS:
        if sign.is_on(code=code, type=type_name, text=text):
            return sign.kind
    return None


def _ours(fields: Mapping[str, object] | None) -> SuperResolutionError | None:
    """The class that the engine in the endpoint raised, with its message and details."""
    if fields is None or not isinstance(fields.get("message"), str):
        return None
    found = _classes().get(str(fields.get("error")))
    if found is None:
        return None
    error = found.__new__(found)
    message = _sentence(fields["message"]) or "The endpoint gave no reason."
    SuperResolutionError.__init__(error, message)
    error.details = _details(fields.get("details"))
    if isinstance(error, BusyError):
        given = error.details.get("retry_after")
        error.retry_after = given if isinstance(given, int) else RETRY_AFTER_SECONDS
    return error


def _classes() -> dict[str, type[SuperResolutionError]]:
    """By the code that they alone have."""
    tree = [SuperResolutionError]
    for each in tree:
        tree += each.__subclasses__()
    by_code = {each.code: each for each in tree if each.code != SuperResolutionError.code}
    del by_code[CancelledError.code]
    return by_code | {SuperResolutionError.code: EndpointError}


def _details(given: object) -> dict[str, JsonValue]:
    if not isinstance(given, Mapping):
        return {}
    plain = (str, int, float, bool, type(None))
    return {str(name): value for name, value in given.items() if isinstance(value, plain)}


def _of_kind(kind: Kind, endpoint: Endpoint) -> SuperResolutionError:
    if kind in STATUS_KINDS.values():
        return _general(kind)
    return EndpointRefusedError(_reason(kind, endpoint))


def _general(kind: Kind) -> SuperResolutionError:
    if kind is Kind.TIMEOUT:
        return EndpointTimeoutError("The endpoint did not finish within its own time limit.")
    if kind is Kind.TOO_LARGE:
        return PayloadTooLargeError("The endpoint does not take so many bytes.")
    return BusyError("The endpoint has too many requests.", retry_after=RETRY_AFTER_SECONDS)


def _reason(kind: Kind, endpoint: Endpoint) -> str:
    match kind:
        case Kind.MISSING if endpoint.signs:
            return (
                "There is nothing at this path of the API: the stage or the path in the "
                "endpoint's address is wrong."
            )
        case Kind.MISSING:
            return (
                "The endpoint wants requests signed with AWS credentials (the setting "
                "SR_ENDPOINT_AUTH is then iam), or the stage or the path in its address is wrong."
            )
        case Kind.API_KEY if endpoint.api_key is not None:
            return (
                "The endpoint does not take this API key, or a policy or firewall in front of it "
                "refuses."
            )
        case Kind.API_KEY:
            return (
                "The endpoint wants an API key and none is configured (SR_ENDPOINT_API_KEY), or a "
                "policy or firewall in front of it refuses."
            )
        case _:
            return REASONS[kind]


REASONS = {
    Kind.CLOCK: "The signature has a wrong time: the clock of the computer that serves this page "
    "is off.",
    Kind.SIGNATURE: "The signature does not fit: the secret access key is wrong, or the region is.",
    Kind.EXPIRED: "The AWS credentials have expired.",
    Kind.UNKNOWN_CREDENTIALS: "AWS does not know these credentials: the access key is wrong, was "
    "deleted, or belongs to another partition.",
    Kind.ROLE: "The AWS credentials are right, and their role may not call this API: it needs the "
    "permission execute-api:Invoke.",
    Kind.BLOCKED: "The firewall in front of the endpoint refuses.",
    Kind.QUOTA: "The quota of the API key is used up.",
}


def _of_status(answer: Answer, fields: Mapping[str, object] | None) -> SuperResolutionError:
    kind = STATUS_KINDS.get(answer.status)
    if kind is not None:
        return _general(kind)
    said = _said(answer, fields)
    if answer.status in (401, 403):
        return EndpointRefusedError(f"It refuses without a known reason (status {answer.status}).")
    if answer.status >= 500:
        return EndpointError(f"Something failed inside the endpoint (status {answer.status}).")
    if said:
        return EndpointAnswerError(f"The endpoint says: “{said}”.")
    if fields is not None and {"errorMessage", "message"} & fields.keys():
        return EndpointError("Something failed inside the endpoint.")
    return EndpointAnswerError(
        f"Something answers at this address (status {answer.status}), and it is not a service that "
        "enlarges pictures: the address may be wrong."
    )


def _said(answer: Answer, fields: Mapping[str, object] | None) -> str | None:
    """An older kit's own words: plain text, or the message of a JSON object."""
    if fields is not None:
        for name in ("message", "errorMessage", "error"):
            if isinstance(fields.get(name), str):
                return _sentence(fields[name])
        return None
    try:
        return _sentence(answer.body.decode().strip(' \t\r\n"').rstrip("."))
    except UnicodeDecodeError:
        return None


def _sentence(text: object) -> str | None:
    """A stranger's text, if it is short and has no markup, address, account or name in it."""
    if isinstance(text, str) and _HARMLESS.fullmatch(text) and not _TELLING.search(text):
        return text.replace("`", "'")
    return None
