"""Errors between a client and an endpoint, in addition to those that the endpoint names.

SuperResolutionError
└── EndpointError               the endpoint failed, for a reason that it may tell
    ├── EndpointUnreachableError    no name, no connection, no trusted certificate; nothing was sent
    ├── EndpointTimeoutError        no answer within the time, after a second try
    ├── EndpointRefusedError        signature, role, API key, firewall
    └── EndpointAnswerError         an answer, but not one of an endpoint like ours

They are raised and shown inside the page and never sent to anyone, so they have no codes of their
own. No sentence has a key, an account number or text of a library in it.
"""

from __future__ import annotations

from typing import ClassVar

from backend.errors import JsonValue, SuperResolutionError

REASONS = {
    # Unreachable.
    "certificate": "The endpoint's certificate is not trusted here, or is for another name.",
    "no_connection": "There is no connection to the endpoint: its address may be misspelt, the API "
    "deleted, or a proxy in the way.",
    # Timeout.
    "late": "The endpoint did not answer in time.",
    "own_limit": "The endpoint did not finish within its own time limit.",
    # Refused.
    "credentials": "The AWS credentials of the computer that serves this page are missing, wrong "
    "or expired, or its clock is off.",
    "role": "The AWS credentials are right, and their role may not call this API: it needs the "
    "permission execute-api:Invoke.",
    "path": "The stage or the path in the endpoint's address is wrong, or it wants requests signed "
    "with AWS credentials (the setting SR_ENDPOINT_AUTH is then iam).",
    "api_key": "The endpoint wants another API key (SR_ENDPOINT_API_KEY), the key's quota is used "
    "up, or a policy or firewall in front of it refuses.",
    "unknown_refusal": "It refuses without a known reason (status {status}).",
    # Answer.
    "not_a_picture": "What came is not a picture, or it is damaged.",
    "wrong_size": "It has {width} × {height} pixels instead of {expected_width} × "
    "{expected_height}: the address may belong to another service, or to an older one that "
    "ignores how a photo is turned.",
    "dead_link": "Its link to the result cannot be followed: it may have expired.",
    "says": "The endpoint says: “{text}”.",
    "another_service": "Something answers at this address (status {status}), and it is not a "
    "service that enlarges pictures: the address may be wrong.",
    # Anything else.
    "failed": "Something failed inside the endpoint.",
    "failed_with_status": "Something failed inside the endpoint (status {status}).",
    "unexplained": "The endpoint gave no reason.",
}
"""Sentences by the reason, in English."""


class EndpointError(SuperResolutionError):
    """The endpoint failed; `reason` is a key of REASONS, `kind` names the class to the page."""

    kind: ClassVar[str] = "failed"

    def __init__(self, reason: str, **details: JsonValue) -> None:
        super().__init__(REASONS[reason].format(**details), **details)
        self.reason = reason


class EndpointUnreachableError(EndpointError):
    kind = "unreachable"


class EndpointTimeoutError(EndpointError):
    kind = "timeout"


class EndpointRefusedError(EndpointError):
    kind = "refused"


class EndpointAnswerError(EndpointError):
    kind = "answer"
