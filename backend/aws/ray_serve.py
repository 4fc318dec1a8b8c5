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

from backend import RequestHandler, Settings, create_engine
from backend.aws.s3_results import results_from
from backend.health import check
from backend.onnx_runtime import ort
from backend.sources import AnySource

log = logging.getLogger("backend.ray")


class SuperResolution:
    """Holds the networks; one for each process of Ray."""

    def __init__(self) -> None:
        ort.preload_dlls()  # CUDA's libraries lie in Python packages here
        settings = Settings.from_environment()
        logging.basicConfig(level=settings.log_level)
        engine = create_engine(settings)
        self._handler = RequestHandler(
            engine, AnySource(settings), settings, results_from(settings)
        )
        health = check(engine)
        for warning in health.warnings:
            log.warning("%s", warning)
        log.info("networks run on %s", ", ".join(health.providers))
        health.check_providers()
        if not health.is_ready:
            raise RuntimeError("no network could be loaded")

    async def __call__(self, request: Request) -> Response:
        """SageMaker has limited the body's size before."""
        body = await request.body()
        reply = await to_thread.run_sync(partial(self._handler.handle, body))
        return Response(reply.body, reply.status, headers=reply.headers)


app = serve.deployment(SuperResolution).bind()
