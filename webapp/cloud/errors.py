"""What can go wrong between this page and an endpoint, beside what the endpoint itself names.

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

from backend import SuperResolutionError


class EndpointError(SuperResolutionError):
    """The endpoint failed; `title` and `hint` stand around the message on the page."""

    title: ClassVar[str] = "The cloud could not do it"
    hint: ClassVar[str] = "Please try again, or choose “On this computer”."


class EndpointUnreachableError(EndpointError):
    """There was no connection, so the picture was not sent."""

    title = "The cloud cannot be reached"
    hint = "Please try again later, or choose “On this computer”."


class EndpointTimeoutError(EndpointError):
    """Nothing came within the time, after a second try."""

    title = "The cloud took too long"
    hint = (
        "Please try again: the first picture after a pause takes longest. If it happens again, "
        "choose a smaller picture or enlargement, or “On this computer”."
    )


class EndpointRefusedError(EndpointError):
    """The endpoint does not let this page in."""

    title = "The cloud does not let this page in"
    hint = "Whoever runs this page can correct that. Until then, choose “On this computer”."


class EndpointAnswerError(EndpointError):
    """What answers does not answer as an endpoint for super-resolution does."""

    title = "The cloud gave an answer that is no picture"
    hint = "Please choose another picture, or “On this computer”."
