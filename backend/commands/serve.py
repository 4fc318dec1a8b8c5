"""`python -m backend serve`."""

from __future__ import annotations

import argparse
import logging
import sys

from backend.adapters.http_app import create_app
from backend.adapters.http_server import serve
from backend.adapters.s3_results import results_of
from backend.health import check
from backend.loading import create_service
from backend.settings import Settings

log = logging.getLogger("backend.http")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Loads every network first, so that the first request is as quick as the others."""
    logging.basicConfig(
        stream=sys.stderr,
        level=settings.log_level,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    service = create_service(settings, result_store=results_of(settings))
    health = check(service)
    for warning in health.warnings:
        log.warning("%s", warning)
    app = create_app(service, health=health)
    serve(app, host=arguments.host, port=arguments.port, grace_seconds=arguments.grace_seconds)
    return 0
