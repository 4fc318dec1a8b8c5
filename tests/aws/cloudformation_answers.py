"""CloudFormation's side of a custom resource: its events, and the address for answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from awslambdaric.lambda_context import LambdaContext

from testbed.loopback import Loopback, Received, Sent

Handler = Callable[[Mapping[str, Any], LambdaContext], None]


class Answers(Loopback):
    """`taken` are the answers; `failures` are the statuses that are returned first."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.failures: list[int] = []
        self.taken: list[dict[str, Any]] = []

    def _answer(self, request: Received) -> Sent:
        if self.failures:
            return Sent(status=self.failures.pop(0))
        if request.method != "PUT" or request.headers["Content-Type"] or len(request.body) > 4096:
            return Sent(status=403)
        self.taken.append(json.loads(request.body))
        return Sent()

    def event(self, kind: str, properties: object, **more: object) -> dict[str, Any]:
        """Return the event for a resource named Thing of stack 5f0c1c70."""
        known = {} if kind == "Create" else {"PhysicalResourceId": "Thing-5f0c1c70"}
        return {
            "RequestType": kind,
            "ResponseURL": f"{self.url}/answer?signature=secret",
            "StackId": "arn:aws:cloudformation:eu-west-1:1:stack/upscale/5f0c1c70",
            "RequestId": "r-1",
            "LogicalResourceId": "Thing",
            "ResourceType": "Custom::Thing",
            "ResourceProperties": properties,
            **known,
            **more,
        }

    def request(
        self, handler: Handler, kind: str, properties: object, **more: object
    ) -> dict[str, Any]:
        """Return the one answer that a handler gives."""
        before = len(self.taken)
        handler(self.event(kind, properties, **more), context())
        [answer] = self.taken[before:]
        assert answer["PhysicalResourceId"] == "Thing-5f0c1c70"
        assert (answer["RequestId"], answer["LogicalResourceId"]) == ("r-1", "Thing")
        return answer


def context(seconds: float = 300) -> LambdaContext:
    """Return the context of a call that may take so long."""
    return LambdaContext("r-1", None, None, int((time.time() + seconds) * 1000))
