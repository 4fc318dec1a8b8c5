"""A SageMaker real-time endpoint that runs this project's container, called through boto3."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import boto3  # type: ignore[import-untyped, unused-ignore]
from botocore.config import Config  # type: ignore[import-untyped, unused-ignore]
from botocore.exceptions import (  # type: ignore[import-untyped, unused-ignore]
    BotoCoreError,
    ClientError,
    ReadTimeoutError,
)

from backend.errors import (
    BusyError,
    DeadlineError,
    InferenceError,
    ModelError,
    PayloadTooLargeError,
    SuperResolutionError,
)
from backend.reply import Reply, reply_headers

log = logging.getLogger("backend.aws")

MAX_REQUEST_BYTES = 25 * 2**20
"""SageMaker's limit on the body of a real-time call."""
CONNECT_SECONDS = 3
RETRY_AFTER_SECONDS = 5
BUSY = ("ThrottlingException", "Throttling", "TooManyRequestsException", "ServiceUnavailable")
STARTING = ("ModelNotReadyException",)
BUSY_STATUSES = (429, 503)
TIMEOUT_STATUSES = (0, 408, 504)
"""SageMaker writes 0 for a container that did not answer in time."""


class SageMakerEndpoint:
    """Made once a process; one call at a time is made of it, as Lambda does."""

    def __init__(self, *, name: str, timeout_seconds: float) -> None:
        self._name = name
        # No second attempt: it would start the same work again beside the first.
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=timeout_seconds,
            retries={"total_max_attempts": 1, "mode": "standard"},
        )
        self._client: Any = boto3.session.Session().client("sagemaker-runtime", config=config)

    def invoke(self, body: bytes, *, request_id: str) -> Reply:
        """The container's reply, its refusals included; SuperResolutionError for the way there."""
        if len(body) > MAX_REQUEST_BYTES:
            raise PayloadTooLargeError(
                "The picture is too large for the endpoint; its limit is "
                f"{MAX_REQUEST_BYTES * 3 // 4 // 2**20} MiB.",
                max_bytes=MAX_REQUEST_BYTES * 3 // 4,
            )
        try:
            answer = self._client.invoke_endpoint(
                EndpointName=self._name,
                ContentType="application/json",
                Accept="application/json",
                Body=body,
            )
            data = answer["Body"].read()
        except ClientError as exc:
            return _refusal(exc, request_id=request_id)
        except ReadTimeoutError as exc:
            raise too_slow() from exc
        except BotoCoreError as exc:
            raise ModelError("The endpoint cannot be reached.") from exc
        return Reply(status=200, body=data, headers=reply_headers(request_id))


def too_slow() -> DeadlineError:
    """When the endpoint did not answer while the caller waits."""
    return DeadlineError(
        "The endpoint did not finish in time; send a smaller picture or choose a faster model."
    )


def _refusal(error: ClientError, *, request_id: str) -> Reply:
    """The container's own error reply out of a ModelError; raises for SageMaker's errors."""
    response: Mapping[str, Any] = error.response
    code = str(response.get("Error", {}).get("Code", ""))
    if code in BUSY or code in STARTING:
        raise BusyError(
            "The endpoint is busy or still starting; try again in a moment.",
            retry_after=RETRY_AFTER_SECONDS,
        ) from error
    if code != "ModelError":
        raise ModelError("The endpoint is not available.") from error
    status = int(response.get("OriginalStatusCode", 0))
    reply = _error_of_container(str(response.get("OriginalMessage", "")), status, request_id)
    if reply is None:
        raise _other_error(status) from error
    return reply


def _error_of_container(text: str, status: int, request_id: str) -> Reply | None:
    """With the caller's request id, which the front's log has; None for another server's text."""
    try:
        content = json.loads(text)
    except ValueError:
        return None
    if not 400 <= status <= 599 or not isinstance(content, dict):
        return None
    if not isinstance(content.get("error"), str) or not isinstance(content.get("message"), str):
        return None
    log.info("request %s was %s in the container", request_id, content.get("request_id"))
    body = json.dumps({**content, "request_id": request_id}, ensure_ascii=False).encode()
    headers = reply_headers(request_id)
    details = content.get("details")
    if isinstance(details, dict) and "retry_after" in details:
        headers["Retry-After"] = str(details["retry_after"])
    return Reply(status=status, body=body, headers=headers)


def _other_error(status: int) -> SuperResolutionError:
    """For answers that this project's server does not write: its host's, or another container's."""
    if status in BUSY_STATUSES:
        return BusyError(
            "The endpoint is busy; try again in a moment.", retry_after=RETRY_AFTER_SECONDS
        )
    if status in TIMEOUT_STATUSES:
        return too_slow()
    return InferenceError("The endpoint failed while it worked on the picture.")
