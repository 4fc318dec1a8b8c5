"""SageMaker's runtime in front of one endpoint, whose container is a function of a body."""

from __future__ import annotations

import json
from collections.abc import Callable

from backend import Reply
from testbed.aws.signature import is_signed
from testbed.loopback import Loopback, Received, Sent

ENDPOINT = "upscaler"


class SageMakerRuntime(Loopback):
    """A container's non-2xx answer becomes a ModelError with status 424, as SageMaker's does.

    `failure` is answered instead of a call: (status, code), an error of SageMaker's own.
    """

    def __init__(self, container: Callable[[bytes], Reply]) -> None:
        super().__init__(self._answer)
        self.container = container
        self.failure: tuple[int, str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": self.url, "ENDPOINT_NAME": ENDPOINT}

    def _answer(self, request: Received) -> Sent:
        if not is_signed(request, service="sagemaker"):
            return _error(403, "InvalidSignatureException", {"Message": "The signature is wrong."})
        if self.failure is not None:
            status, code = self.failure
            return _error(status, code, {"Message": "refused"})
        if (request.method, request.target) != ("POST", f"/endpoints/{ENDPOINT}/invocations"):
            return _error(400, "ValidationError", {"Message": "Endpoint not found."})
        reply = self.container(request.body)
        if 200 <= reply.status <= 299:
            return Sent(body=reply.body, headers={"Content-Type": "application/json"})
        text = reply.body.decode()
        kind = "client" if reply.status < 500 else "server"
        return _error(
            424,
            "ModelError",
            {
                "ErrorCode": "CLIENT_ERROR_FROM_MODEL",
                "LogStreamArn": "arn:aws:logs:eu-west-1:1:log-group:/aws/sagemaker/Endpoints/x",
                "Message": f'Received {kind} error ({reply.status}) from primary: "{text}"',
                "OriginalMessage": text,
                "OriginalStatusCode": reply.status,
            },
        )


def _error(status: int, code: str, content: dict[str, object]) -> Sent:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
    return Sent(status=status, body=json.dumps(content).encode(), headers=headers)
