"""`python -m backend serve`."""

from __future__ import annotations

import argparse
import logging
import sys

from backend.aws.s3_results import results_from
from backend.factory import create_engine
from backend.health import check
from backend.http.app import create_app
from backend.http.server import serve
from backend.protocol import RequestHandler
from backend.settings import Settings
from backend.sources import AnySource

log = logging.getLogger("backend.http")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Loads every network first, so that the first request is as quick as the others.

    ModelError when what the settings name to run them is not there.
    """
    logging.basicConfig(
        stream=sys.stderr,
        level=settings.log_level,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    engine = create_engine(settings)
    health = check(engine)
    for warning in health.warnings:
        log.warning("%s", warning)
    health.check_providers()
    handler = RequestHandler(engine, AnySource(settings), settings, results_from(settings))
    app = create_app(handler, health=health, load=lambda: engine.load)
    serve(app, host=arguments.host, port=arguments.port, grace_seconds=arguments.grace_seconds)
    return 0
