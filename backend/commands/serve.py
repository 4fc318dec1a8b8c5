"""`python -m backend serve`."""

from __future__ import annotations

import argparse
import logging

from backend.commands.address import check_address
from backend.factory import create_engine
from backend.http.admission import Admission
from backend.http.app import create_app
from backend.http.metrics import Metrics
from backend.http.server import serve
from backend.http.stopping import Stop
from backend.inference.health import check
from backend.logs import write_logs
from backend.requests.handler import RequestHandler
from backend.settings import Settings

log = logging.getLogger("backend.http")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Load every network, so that the first request is as quick as the others, and serve.

    Raise ModelError if a runtime or provider that the settings name is missing, and SettingsError
    if the address is not free.
    """
    check_address(arguments.host, arguments.port)
    write_logs(settings)
    engine = create_engine(settings)
    health = check(engine)
    for warning in health.warnings:
        log.warning("%s", warning)
    health.check_providers()
    handler = RequestHandler.from_settings(engine, settings)
    stop = Stop()

    def load() -> tuple[int, int]:
        return engine.load

    app = create_app(
        handler,
        health=health,
        admission=Admission(
            settings,
            load=load,
            seconds_until_free=lambda: engine.seconds_until_free,
        ),
        stop=stop,
        metrics=Metrics(load=load) if settings.metrics else None,
    )
    serve(
        app,
        host=arguments.host,
        port=arguments.port,
        grace_seconds=arguments.grace_seconds,
        settings=settings,
        stop=stop,
    )
    return 0
