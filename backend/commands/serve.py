"""`python -m backend serve`."""

from __future__ import annotations

import argparse
import logging

from backend.bulk.s3_results import results_from
from backend.factory import create_engine
from backend.http.admission import Admission
from backend.http.app import create_app
from backend.http.metrics import Metrics
from backend.http.server import serve
from backend.inference.health import check
from backend.logs import write_logs
from backend.requests.handler import RequestHandler
from backend.requests.sources import AnySource
from backend.settings import Settings

log = logging.getLogger("backend.http")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Loads every network first, so that the first request is as quick as the others.

    ModelError when what the settings name to run them is not there.
    """
    write_logs(settings)
    engine = create_engine(settings)
    health = check(engine)
    for warning in health.warnings:
        log.warning("%s", warning)
    health.check_providers()
    handler = RequestHandler(engine, AnySource(settings), settings, results_from(settings))
    app = create_app(
        handler,
        health=health,
        load=lambda: engine.load,
        admission=Admission(settings, seconds_until_free=lambda: engine.seconds_until_free),
        metrics=Metrics(load=lambda: engine.load) if settings.metrics else None,
    )
    serve(
        app,
        host=arguments.host,
        port=arguments.port,
        grace_seconds=arguments.grace_seconds,
        settings=settings,
    )
    return 0
