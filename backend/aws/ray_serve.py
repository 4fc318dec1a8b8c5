"""The engine in AWS's container image for Ray Serve, which calls `app` for SageMaker.

The image answers /ping itself, as soon as Ray is up, and passes /invocations on to here.
"""

from __future__ import annotations

import logging
from functools import partial

from anyio import to_thread
from ray import serve  # type: ignore[import-not-found, unused-ignore]
from starlette.requests import Request
from starlette.responses import Response

from backend import Reply, RequestHandler, Settings, create_engine
from backend.errors import PayloadTooLargeError, SuperResolutionError
from backend.inference.health import check
from backend.inference.onnx_runtime import ort
from backend.logs import write_logs
from backend.requests.handler import refuse
from backend.requests.parsing import Body
from backend.requests.raw_body import raw_picture_from
from backend.requests.reply import request_id_from

log = logging.getLogger("backend.ray")


class SuperResolution:
    """Holds the networks; one for each process of Ray."""

    def __init__(self) -> None:
        ort.preload_dlls()  # CUDA's libraries are in Python packages here
        settings = Settings.from_deployment()
        write_logs(settings)
        engine = create_engine(settings)
        self._handler = RequestHandler.from_settings(engine, settings)
        health = check(engine)
        for warning in health.warnings:
            log.warning("%s", warning)
        log.info("networks run on %s", ", ".join(health.providers))
        health.check_providers()
        if not health.is_ready:
            raise RuntimeError("no network could be loaded")

    async def __call__(self, request: Request) -> Response:
        request_id = request_id_from(request.headers.get("X-Request-Id"))
        try:
            reply = await self._answer(request, request_id)
        except SuperResolutionError as exc:
            reply = refuse(exc, request_id=request_id)
        return Response(reply.body, reply.status, headers=reply.headers)

    async def _answer(self, request: Request, request_id: str) -> Reply:
        """Raise SuperResolutionError for what is refused before the handler sees it."""
        raw = raw_picture_from(request.headers.items(), request.query_params.multi_items())
        body = Body(await _body(request, max_bytes=self._handler.settings.max_body_bytes))
        handle = partial(self._handler.handle, body, request_id, raw=raw)
        return await to_thread.run_sync(handle)


async def _body(request: Request, *, max_bytes: int) -> bytes:
    """Receive a body and count it meanwhile: an asynchronous input may have a gigabyte."""
    body = bytearray()
    async for chunk in request.stream():
        if len(body) + len(chunk) > max_bytes:
            raise PayloadTooLargeError.over(max_bytes, what="request")
        body += chunk
    return bytes(body)


app = serve.deployment(SuperResolution).bind()
