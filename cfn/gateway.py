"""The API's own refusals and the ways to call it, as data; the YAML is in `cfn/parts`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """One of API Gateway's response types, and what the caller reads; None leaves AWS's status."""

    type: str
    status: int | None
    code: str
    message: str | None
    """None uses API Gateway's own text, which is short and quotes nothing of the request."""
    retry_after: int | None = None
    """Seconds after which the caller may try again."""

    @property
    def name(self) -> str:
        """The resource's logical id."""
        return "Refusal" + "".join(word.capitalize() for word in self.type.split("_"))

    @property
    def template_message(self) -> str:
        """The message as the response's template has it."""
        return "$context.error.messageString" if self.message is None else f'"{self.message}"'


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
    Refusal(
        "THROTTLED",
        429,
        "too_many_requests",
        "Too many requests; wait a moment.",
        retry_after=1,
    ),
    Refusal("QUOTA_EXCEEDED", 429, "quota_exceeded", "The API key's quota is used up."),
    Refusal("WAF_FILTERED", 403, "blocked", "The firewall blocked the request."),
    Refusal(
        "INTEGRATION_TIMEOUT",
        504,
        "timed_out",
        "The answer took too long; send a smaller picture or try again.",
    ),
    # API Gateway's form of Lambda's 429: the account has no free function.
    Refusal(
        "INTEGRATION_FAILURE",
        503,
        "busy",
        "All functions are busy; try again in a moment.",
        retry_after=5,
    ),
)
CALLERS = ("IamWithKey", "IamOnly", "KeyOnly", "Open")
"""The conditions `Is…` for who may call; exactly one is true."""
WAITS = {"29": (28, 25), "60": (59, 56), "120": (119, 58)}
"""`integrationTimeout` -> seconds that the function, and a container behind it, may take.

SageMaker itself waits for 60.
"""


@dataclass(frozen=True)
class State:
    """A state of the API that reaches the stage only by a new deployment."""

    caller: str
    wait: str

    @property
    def name(self) -> str:
        """The end of the names of its condition and its deployment."""
        return self.caller + self.wait


STATES = tuple(State(caller, wait) for caller in CALLERS for wait in WAITS)
