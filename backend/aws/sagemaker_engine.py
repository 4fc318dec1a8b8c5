"""A SageMaker real-time endpoint that runs this project's container, as an engine."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from backend.deadline import Deadline, DeadlineExceededError
from backend.engine import Upscaled, Watch
from backend.errors import (
    BusyError,
    DeadlineError,
    InferenceError,
    ModelError,
    PayloadTooLargeError,
    RemoteError,
    SuperResolutionError,
)
from backend.images.formats import FORMATS
from backend.options import UpscaleOptions
from backend.requests.parsing import body_from
from backend.requests.sources.s3_client import error_code

log = logging.getLogger("backend.aws")

MAX_REQUEST_BYTES = 6_291_456
"""Largest body of a real-time call, according to SageMaker's runtime API."""
CONNECT_SECONDS = 3
RETRY_AFTER_SECONDS = 5
BUSY = (
    *("ThrottlingException", "Throttling", "TooManyRequestsException", "ServiceUnavailable"),
    "ModelNotReadyException",
)
BUSY_STATUSES = (429, 503)
TIMEOUT_STATUSES = (0, 408, 504)
"""SageMaker writes 0 for a container that did not answer in time."""


TOO_SLOW = "The endpoint did not finish in time; send a smaller picture or choose a faster model."


class SageMakerEngine:
    """An `Engine`; made once a process, and one picture at a time is sent, as Lambda does."""

    def __init__(self, *, endpoint: str, timeout_seconds: float) -> None:
        self._endpoint = endpoint
        self._timeout_seconds = timeout_seconds
        # No retry: the first attempt may still be running.
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=timeout_seconds,
            retries={"total_max_attempts": 1, "mode": "standard"},
        )
        self._client: Any = boto3.session.Session().client("sagemaker-runtime", config=config)

    @property
    def models(self) -> Mapping[str, Sequence[int]]:
        """Return nothing: only the container knows."""
        return {}

    @property
    def details(self) -> Mapping[str, int]:
        """Return nothing: only the container knows."""
        return {}

    def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:  # noqa: ARG002
        """Return 0: the container makes its own estimate."""
        return 0.0

    def upscale(self, data: bytes, options: UpscaleOptions, *, watch: Watch = Watch()) -> Upscaled:
        """See `Engine`; the container's refusals are raised as RemoteError."""
        body = body_from(data, options)
        if len(body) > MAX_REQUEST_BYTES:
            raise PayloadTooLargeError.over(MAX_REQUEST_BYTES * 3 // 4, what="picture")
        started = time.perf_counter()
        # Fetching took its part of the time, so the client's own time limit is not enough.
        deadline = Deadline(min(watch.seconds_left(), self._timeout_seconds))
        try:
            answer = deadline.run(lambda: self._invoke(body))
        except ClientError as exc:
            raise _refusal(exc) from exc
        except (DeadlineExceededError, ReadTimeoutError) as exc:
            raise DeadlineError(TOO_SLOW) from exc
        except BotoCoreError as exc:
            raise ModelError("The endpoint cannot be reached.") from exc
        return _result_from(answer, options, seconds=time.perf_counter() - started)

    def _invoke(self, body: bytes) -> bytes:
        answer = self._client.invoke_endpoint(
            EndpointName=self._endpoint,
            ContentType="application/json",
            Accept="application/json",
            Body=body,
        )
        data: bytes = answer["Body"].read()
        return data


def _result_from(answer: bytes, options: UpscaleOptions, *, seconds: float) -> Upscaled:
    """Read the answer; InferenceError for one that this project's container does not write."""
    try:
        content = json.loads(answer)
        link = content.get("result_url")
        width, height = int(content["width"]), int(content["height"])
        return Upscaled(
            data=b"" if link is not None else base64.b64decode(content["result"]),
            link=link,
            width=width,
            height=height,
            format=FORMATS[content["format"]].name,
            model=str(content["model"]),
            scale=int(content["scale"]),
            cleanup=options.cleanup,
            notes=tuple(map(str, content.get("notes", ()))),
            lr_size=(width // options.scale, height // options.scale),
            seconds=seconds,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise InferenceError("The endpoint's answer cannot be read.") from exc


def _refusal(error: ClientError) -> SuperResolutionError:
    """Unpack the container's own error from a ModelError, or translate SageMaker's."""
    response: Mapping[str, Any] = error.response
    code = error_code(error)
    if code in BUSY:
        return BusyError(
            "The endpoint is busy or still starting; try again in a moment.",
            seconds=RETRY_AFTER_SECONDS,
        )
    if code != "ModelError":
        return ModelError("The endpoint is not available.")
    status = int(response.get("OriginalStatusCode", 0))
    text = str(response.get("OriginalMessage", ""))
    return _container_error(text, status) or _other_error(status)


def _container_error(text: str, status: int) -> RemoteError | None:
    """Return the container's error; None for another server's text."""
    try:
        content = json.loads(text)
    except ValueError:
        return None
    if not 400 <= status <= 599 or not isinstance(content, dict):
        return None
    code, message = content.get("error"), content.get("message")
    if not isinstance(code, str) or not isinstance(message, str):
        return None
    log.info("the container refused its request %s", content.get("request_id"))
    details = content.get("details")
    return RemoteError(
        message, code=code, status=status, details=details if isinstance(details, dict) else {}
    )


def _other_error(status: int) -> SuperResolutionError:
    """Translate answers that this project's server does not write."""
    if status in BUSY_STATUSES:
        return BusyError(
            "The endpoint is busy; try again in a moment.", seconds=RETRY_AFTER_SECONDS
        )
    if status in TIMEOUT_STATUSES:
        return DeadlineError(TOO_SLOW)
    return InferenceError("The endpoint failed while it worked on the picture.")
