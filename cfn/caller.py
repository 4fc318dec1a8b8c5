"""A caller of a stack's API, who signs or sends a key as the stack wants it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from requests_aws4auth import AWS4Auth

from cfn.account import Account
from cfn.errors import DeploymentError
from cfn.stacks import stack_outputs, stack_parameters

SECONDS_TO_WAIT = 150
"""Seconds; more than the longest `integrationTimeout`."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer of the API, and the time that it took."""

    status: int
    body: bytes
    request_id: str
    seconds: float

    @property
    def content(self) -> Mapping[str, Any]:
        """Return the JSON object; an empty one for anything else."""
        try:
            content = json.loads(self.body)
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}


@dataclass(frozen=True, kw_only=True)
class ApiStack:
    """The facts of a stack with an API that its callers need."""

    url: str
    signs: bool
    api_key_id: str | None
    reaches_web: bool

    @classmethod
    def from_description(cls, described: Mapping[str, Any]) -> ApiStack:
        """Read CloudFormation's description; DeploymentError for another kind of stack."""
        outputs, given = stack_outputs(described), stack_parameters(described)
        if "aikitsInvokeURL" not in outputs:
            raise DeploymentError(
                f"The stack {described.get('StackName', '')} has no output aikitsInvokeURL: it is "
                "not complete, or another project's."
            )
        return cls(
            url=outputs["aikitsInvokeURL"],
            signs=given.get("customAuthType") != "NONE",
            api_key_id=outputs.get("ApiKeyId"),
            reaches_web=given.get("modelStorage") != "efs" or given.get("enableNat") == "true",
        )


class Caller:
    """A caller with the account's credentials, and the API key that they may read."""

    def __init__(self, account: Account, stack: ApiStack, *, http: requests.Session) -> None:
        self._url, self._http = stack.url, http
        self._auth = None
        if stack.signs:
            self._auth = AWS4Auth(
                region=account.region,
                service="execute-api",
                refreshable_credentials=account.session.get_credentials(),
            )
        self._headers = {"Content-Type": "application/json"}
        if stack.api_key_id is not None:
            found = account.client("apigateway").get_api_key(
                apiKey=stack.api_key_id, includeValue=True
            )
            self._headers["x-api-key"] = str(found["value"])

    def post(self, fields: Mapping[str, object]) -> Answer:
        """Post a request; raise DeploymentError if there is no answer."""
        started = time.monotonic()
        try:
            answer = self._http.post(
                self._url,
                data=json.dumps(fields),
                headers=self._headers,
                auth=self._auth,
                timeout=SECONDS_TO_WAIT,
            )
        except requests.RequestException as exc:
            raise DeploymentError(
                f"There is no answer from {self._url} ({type(exc).__name__}): is there a way from "
                "this machine to it?"
            ) from exc
        given = answer.headers.get("X-Request-Id") or answer.headers.get("x-amzn-RequestId", "")
        return Answer(
            status=answer.status_code,
            body=answer.content,
            request_id=given,
            seconds=time.monotonic() - started,
        )

    def get(self, link: str) -> tuple[int, bytes]:
        """Return the status and the bytes behind a link, which needs no further permission."""
        try:
            answer = self._http.get(link, timeout=SECONDS_TO_WAIT)
        except requests.RequestException:
            return 0, b""
        return answer.status_code, answer.content
