"""The small function in front of a SageMaker endpoint: `backend.aws.sagemaker_handler.handler`.

It fetches the picture, so that the endpoint needs no access to the web. Neither NumPy, Pillow nor
ONNX Runtime is imported. `ENDPOINT_NAME` names the endpoint.
"""

from __future__ import annotations

import logging
import os
from functools import cache

from backend.aws.api_gateway import answer_event
from backend.aws.lambda_limits import LambdaContext, lambda_settings
from backend.aws.s3_results import results_from
from backend.aws.sagemaker_engine import SageMakerEngine
from backend.protocol import RequestHandler
from backend.settings import Settings
from backend.sources import AnySource


@cache
def settings() -> Settings:
    """Read once a process; SettingsError ends its start."""
    found = lambda_settings()
    logging.getLogger("backend").setLevel(found.log_level)
    return found


@cache
def request_handler() -> RequestHandler:
    """Made once a process."""
    engine = SageMakerEngine(
        endpoint=os.environ["ENDPOINT_NAME"],
        timeout_seconds=settings().time_budget_seconds or 60.0,
    )
    return RequestHandler(engine, AnySource(settings()), settings(), results_from(settings()))


def handler(event: object, context: LambdaContext) -> dict[str, object]:
    """A proxy event in, a proxy answer out; never raises."""
    return answer_event(event, context, request_handler, settings())


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    request_handler()  # while Lambda starts the process; bad settings or no name show at once
