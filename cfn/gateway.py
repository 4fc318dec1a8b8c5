"""What the API answers by itself, and the ways to call it, as data; the YAML is in `cfn/parts`."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """One of API Gateway's response types, and what the caller reads; None leaves AWS's status."""

    type: str
    status: int | None
    code: str
    message: str | None
    """None takes API Gateway's own text, which is short and has nothing of the request."""

    @property
    def name(self) -> str:
        """The resource's logical id."""
        return "Refusal" + "".join(word.capitalize() for word in self.type.split("_"))

    @property
    def row(self) -> Mapping[str, str | None]:
        """For `cfn/parts/refusal.yaml`."""
        return {
            "name": self.name,
            "type": self.type,
            "status": None if self.status is None else str(self.status),
            "code": self.code,
            "message": (
                "$context.error.messageString" if self.message is None else f'"{self.message}"'
            ),
        }


REFUSALS = (
    Refusal("DEFAULT_4XX", None, "invalid_request", None),
    Refusal("DEFAULT_5XX", None, "internal_error", "Something went wrong on our side."),
    Refusal(
        "BAD_REQUEST_BODY",
        400,
        "invalid_request",
        "The body is a JSON object with 'url' or 'img'; see the API's documentation.",
    ),
    Refusal("ACCESS_DENIED", 403, "access_denied", "These credentials may not call this API."),
    Refusal("UNAUTHORIZED", 401, "access_denied", "The request is not authorized."),
    Refusal("INVALID_SIGNATURE", 403, "invalid_signature", "The request's signature is wrong."),
    Refusal("EXPIRED_TOKEN", 403, "expired_token", "The credentials have expired."),
    Refusal("INVALID_API_KEY", 403, "invalid_api_key", "The header x-api-key has no valid key."),
    Refusal(
        "MISSING_AUTHENTICATION_TOKEN",
        403,
        "missing_authentication",
        "The request is not signed, or there is nothing at this address.",
    ),
    Refusal("RESOURCE_NOT_FOUND", 404, "not_found", "There is nothing at this address."),
    Refusal("REQUEST_TOO_LARGE", 413, "payload_too_large", "The request has too many bytes."),
    Refusal(
        "UNSUPPORTED_MEDIA_TYPE",
        415,
        "unsupported_media_type",
        "Send the request as JSON, with the header 'Content-Type: application/json'.",
    ),
    Refusal("THROTTLED", 429, "too_many_requests", "Too many requests; wait a moment."),
    Refusal("QUOTA_EXCEEDED", 429, "quota_exceeded", "The API key's quota is used up."),
    Refusal("WAF_FILTERED", 403, "blocked", "The firewall blocked the request."),
    Refusal(
        "INTEGRATION_TIMEOUT",
        504,
        "timed_out",
        "The answer took too long; send a smaller picture or try again.",
    ),
    Refusal("INTEGRATION_FAILURE", 502, "internal_error", "The service could not be reached."),
)
CALLERS = ("IamWithKey", "IamOnly", "KeyOnly", "Open")
"""The conditions `Is…` for who may call; exactly one is true."""
WAITS = ("29", "60", "120")
"""Seconds of `integrationTimeout`."""
DEPLOYMENTS = tuple(
    {"state": f"{caller}{wait}", "caller": caller, "wait": wait}
    for caller, wait in itertools.product(CALLERS, WAITS)
)
"""A row for each state of the API that only a new deployment brings to the stage."""


def digest_from(api: str) -> str:
    """Eight digits for a text of the API's resources."""
    return hashlib.sha256(api.encode()).hexdigest()[:8]
