"""The small function before a SageMaker endpoint: `backend.adapters.sagemaker_invoke.handler`.

It brings the picture, so that the endpoint needs no way into the web, and passes it on as `img`.
Neither NumPy, Pillow nor ONNX Runtime is imported. `ENDPOINT_NAME` names the endpoint.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from backend.adapters.api_gateway import LambdaContext, ProxyRequest, answered
from backend.adapters.deadline_clock import seconds_left
from backend.adapters.lambda_settings import lambda_settings
from backend.adapters.s3_results import S3Results, results_of
from backend.adapters.sagemaker_endpoint import SageMakerEndpoint, too_slow
from backend.errors import InferenceError, ReplyTooLargeError, RequestError, SourceTimeoutError
from backend.options import UpscaleRequest, parse_request
from backend.reply import Reply, body_too_large, json_reply
from backend.settings import Settings
from backend.sources import AnySource
from backend.sources.deadline import Deadline

log = logging.getLogger("backend.aws")


@dataclass(frozen=True, kw_only=True)
class Front:
    """What stays between calls."""

    settings: Settings
    source: AnySource
    endpoint: SageMakerEndpoint
    results: S3Results | None

    def handle(self, request: ProxyRequest, *, seconds_left: Callable[[], float]) -> Reply:
        """As `Service.handle`, with the network elsewhere; raises SuperResolutionError."""
        if len(request.body) > self.settings.max_body_bytes:
            raise body_too_large(self.settings.max_body_bytes)
        parsed = parse_request(request.body)
        if parsed.output == "url" and self.results is None:
            raise RequestError(
                "'output': 'url' is not available here: no results bucket is configured.",
                field="output",
            )
        data = self.source.read(parsed, max_bytes=self.settings.max_image_bytes)
        body = _passed_on(parsed, data)
        try:
            # Fetching took its part of the time, so the client's own time limit is not enough.
            reply = Deadline(seconds_left()).run(
                lambda: self.endpoint.invoke(body, request_id=request.request_id)
            )
        except SourceTimeoutError as exc:
            raise too_slow() from exc
        limit = self.settings.max_reply_bytes
        is_too_large = limit is not None and len(reply.body) > limit
        if reply.status == 200 and (parsed.output == "url" or is_too_large):
            return self._stored(reply, request_id=request.request_id)
        return reply

    def _stored(self, reply: Reply, *, request_id: str) -> Reply:
        """The same answer with a link for the picture, unless the container made one itself."""
        try:
            content = json.loads(reply.body)
            if "result_url" in content:
                return reply
            data = base64.b64decode(content.pop("result"))
            media_type = f"image/{content['format']}"
        except (ValueError, KeyError, TypeError) as exc:
            raise InferenceError("The endpoint's answer cannot be read.") from exc
        if self.results is None:
            raise ReplyTooLargeError(
                "The result is too large for one answer; choose a smaller scale, "
                "'format': 'jpeg', or, where a results bucket is configured, 'output': 'url'.",
                bytes=len(reply.body),
                max_bytes=self.settings.max_reply_bytes,
            )
        link = self.results.put(data, media_type=media_type, request_id=request_id)
        return json_reply(200, {"result_url": link, **content}, request_id=request_id)


def _passed_on(request: UpscaleRequest, data: bytes) -> bytes:
    """The request for the container: the picture itself, and the options as they were checked."""
    options = request.options
    optional = {"model": options.model, "cleanup": options.cleanup}
    fields = {
        "img": base64.b64encode(data).decode(),
        "scale": options.scale,
        "format": options.format,
        **{name: value for name, value in optional.items() if value is not None},
    }
    return json.dumps(fields).encode()


@cache
def front() -> Front:
    """Made once a process."""
    settings = lambda_settings()
    logging.getLogger("backend").setLevel(settings.log_level)
    return Front(
        settings=settings,
        source=AnySource(settings),
        endpoint=SageMakerEndpoint(
            name=os.environ["ENDPOINT_NAME"], timeout_seconds=settings.time_budget_seconds or 60.0
        ),
        results=results_of(settings),
    )


def handler(event: object, context: LambdaContext) -> dict[str, object]:
    """A proxy event in, a proxy answer out; never raises."""

    def handle(request: ProxyRequest) -> Reply:
        started = time.perf_counter()
        made = front()
        left = seconds_left(context, budget=made.settings.time_budget_seconds)
        reply = made.handle(request, seconds_left=left)
        facts = {
            "bytes_in": len(request.body),
            "request_id": request.request_id,
            "status": reply.status,
            "bytes_out": len(reply.body),
            "seconds": round(time.perf_counter() - started, 3),
        }
        log.info("%s", json.dumps(facts))
        return reply

    return answered(event, context, handle)


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    front()  # while Lambda starts the process; bad settings or no name show at once
