"""AWS Lambda behind an API Gateway REST API: `backend.aws.lambda_handler.handler`."""

from __future__ import annotations

import logging
import os
from functools import cache

from backend.aws.api_gateway import answer_event
from backend.aws.lambda_limits import LambdaContext, cores, process_settings
from backend.errors import ModelError
from backend.factory import create_engine
from backend.inference.local_engine import LocalEngine
from backend.requests.handler import RequestHandler

log = logging.getLogger("backend.aws")


@cache
def engine() -> LocalEngine:
    """Make the engine once a process; a failure is tried again by the next call."""
    return create_engine(process_settings(), cores=cores())


@cache
def request_handler() -> RequestHandler:
    return RequestHandler.from_settings(engine(), process_settings())


def handler(event: object, context: LambdaContext) -> dict[str, object]:
    """Answer a proxy event; never raise."""
    return answer_event(event, context, request_handler, process_settings())


def start() -> None:
    """Load the default models while Lambda starts the process.

    It runs at full speed then, whatever the function's memory, and with provisioned concurrency
    before there is any request. Bad settings end the start, so that a broken deployment shows at
    once. An unreadable network does not: requests for it are answered with `model_unavailable`, and
    each tries again, since the file may be on its way.
    """
    try:
        made = engine()
        for scale in made.models.get(made.settings.model, ()):
            made.session(model=made.settings.model, scale=scale)
    except ModelError as exc:
        log.warning("started without its networks: %s", exc.message)


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    start()
