"""The small function in front of a SageMaker endpoint: `backend.aws.sagemaker_handler.handler`.

It fetches the picture, so that the endpoint needs no access to the web. Neither NumPy, Pillow nor
ONNX Runtime is imported. `ENDPOINT_NAME` names the endpoint.
"""

from __future__ import annotations

import os
from functools import cache

from backend.aws.api_gateway import answer_event
from backend.aws.lambda_limits import LambdaContext, process_settings
from backend.aws.sagemaker_engine import SageMakerEngine
from backend.requests.handler import RequestHandler


@cache
def request_handler() -> RequestHandler:
    engine = SageMakerEngine(
        endpoint=os.environ["ENDPOINT_NAME"],
        timeout_seconds=process_settings().time_budget_seconds or 60.0,
    )
    return RequestHandler.from_settings(engine, process_settings())


def handler(event: object, context: LambdaContext) -> dict[str, object]:
    """Answer a proxy event; never raise."""
    return answer_event(event, context, request_handler, process_settings())


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    request_handler()  # while Lambda starts the process; bad settings or no name show at once
