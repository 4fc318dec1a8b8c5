"""AWS Lambda behind an API Gateway REST API: `backend.adapters.aws_lambda.handler`."""

from __future__ import annotations

import logging
import os
from functools import cache

from backend.adapters.api_gateway import LambdaContext, ProxyRequest, answered
from backend.adapters.deadline_clock import seconds_left
from backend.adapters.lambda_settings import lambda_settings
from backend.adapters.s3_results import results_of
from backend.errors import ModelError
from backend.loading import create_service
from backend.reply import Reply
from backend.service import Service

log = logging.getLogger("backend.aws")


@cache
def service() -> Service:
    """Made once a process; what fails is tried again by the next call."""
    settings = lambda_settings()
    logging.getLogger("backend").setLevel(settings.log_level)
    return create_service(settings, result_store=results_of(settings))


def handler(event: object, context: LambdaContext) -> dict[str, object]:
    """A proxy event in, a proxy answer out; never raises."""

    def handle(request: ProxyRequest) -> Reply:
        made = service()
        left = seconds_left(context, budget=made.settings.time_budget_seconds)
        return made.handle(request.body, request.request_id, seconds_left=left)

    return answered(event, context, handle)


def start() -> None:
    """Loads the default networks while Lambda starts the process.

    It runs at full speed then, whatever the function's memory, and with provisioned concurrency
    before there is any request. Bad settings end the start, so that a deployment that cannot work
    shows at once. A network that cannot be read does not: requests for it are answered with
    `model_unavailable`, and each looks again, since the file may be on its way.
    """
    try:
        made = service()
        for spec in made.registry.specs:
            if spec.name == made.settings.model:
                made.session(model=spec.name, scale=spec.scale)
    except ModelError as exc:
        log.warning("started without its networks: %s", exc.message)


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    start()
