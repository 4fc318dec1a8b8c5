"""Errors between a client and an endpoint, in addition to those that the endpoint names.

SuperResolutionError
└── EndpointError               what the endpoint says cannot be told apart any further
    ├── EndpointUnreachableError    no name, no connection, no trusted certificate
    ├── EndpointTimeoutError        no answer within the time
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
    "connect_timeout": "The endpoint did not accept a connection within {seconds} s.",
    "certificate": "The endpoint's certificate is not trusted here, or is for another name.",
    "proxy": "The proxy between this page and the endpoint does not let the request through.",
    "name_unknown": "The name in the endpoint's address is not known: it is misspelt, or the API "
    "was deleted, or this computer has no connection to the internet.",
    "no_connection": "There is no connection to the endpoint: nothing answers at its address, or "
    "it hung up.",
    # Timeout.
    "read_timeout": "The endpoint did not answer in time.",
    "too_slow": "The answer came too slowly.",
    "stopped": "The endpoint stopped in the middle of its answer.",
    "unfinished": "The endpoint did not finish its answer in time.",
    "own_limit": "The endpoint did not finish within its own time limit.",
    # Refused.
    "credentials_unreadable": "The AWS credentials of the computer that serves this page cannot "
    "be read or renewed.",
    "no_credentials": "The computer that serves this page has no AWS credentials to sign with.",
    "clock": "The signature has a wrong time: the clock of the computer that serves this page is "
    "off.",
    "signature": "The signature does not fit: the secret access key is wrong, or the region is.",
    "expired": "The AWS credentials have expired.",
    "unknown_credentials": "AWS does not know these credentials: the access key is wrong, was "
    "deleted, or belongs to another partition.",
    "role": "The AWS credentials are right, and their role may not call this API: it needs the "
    "permission execute-api:Invoke.",
    "blocked": "The firewall in front of the endpoint refuses.",
    "quota": "The quota of the API key is used up.",
    "no_such_path": "There is nothing at this path of the API: the stage or the path in the "
    "endpoint's address is wrong.",
    "wants_signature": "The endpoint wants requests signed with AWS credentials (the setting "
    "SR_ENDPOINT_AUTH is then iam), or the stage or the path in its address is wrong.",
    "wrong_api_key": "The endpoint does not take this API key, or a policy or firewall in front "
    "of it refuses.",
    "wants_api_key": "The endpoint wants an API key and none is configured (SR_ENDPOINT_API_KEY), "
    "or a policy or firewall in front of it refuses.",
    "unknown_refusal": "It refuses without a known reason (status {status}).",
    # Answer.
    "too_large": "The answer is larger than any result can be.",
    "broken": "The endpoint's answer broke off or is not HTTP.",
    "not_base64": "The picture in the answer is not base64.",
    "not_a_picture": "What came is not a picture.",
    "damaged": "The picture that came is damaged.",
    "wrong_size": "It has {width} × {height} pixels instead of {expected_width} × "
    "{expected_height}: the address may belong to another service, or to an older one that "
    "ignores how a photo is turned.",
    "bad_link": "Its link to the result cannot be followed.",
    "dead_link": "Its link to the result leads nowhere (status {status}): it may have expired.",
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
    """The error for an endpoint without a connection: the picture was not sent."""

    kind = "unreachable"


class EndpointTimeoutError(EndpointError):
    """Nothing came within the time, after a second try."""

    kind = "timeout"


class EndpointRefusedError(EndpointError):
    """The endpoint does not let this page in."""

    kind = "refused"


class EndpointAnswerError(EndpointError):
    """The error for an answer that is not one of a super-resolution endpoint."""

    kind = "answer"
