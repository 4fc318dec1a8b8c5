"""The application behind a socket: uvicorn, stopped gently."""

from __future__ import annotations

import ipaddress
import logging
import signal
from functools import partial

import uvicorn
from starlette.applications import Starlette

from backend.http.connection import HttpConnection
from backend.http.connections import BACKLOG, Connections
from backend.settings import Settings

log = logging.getLogger("backend.http")


def serve(app: Starlette, *, host: str, port: int, grace_seconds: int, settings: Settings) -> None:
    """Until SIGTERM or SIGINT; running requests then get `grace_seconds`, new ones are refused.

    SystemExit when the port cannot be had.
    """
    warning = open_to_others(host, token=settings.server_token)
    if warning:
        log.warning("%s", warning)
    server = uvicorn.Server(
        server_config(app, host=host, port=port, grace_seconds=grace_seconds, settings=settings)
    )
    for stop in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal once more when it is done: by then this changes nothing, while
        # the handler that was there before would end the process as if by accident.
        signal.signal(stop, server.handle_exit)
    server.run()


def server_config(
    app: Starlette, *, host: str, port: int, grace_seconds: int, settings: Settings
) -> uvicorn.Config:
    """uvicorn's, with connections that have deadlines."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=partial(  # type: ignore[arg-type]  # called as the class would be
            HttpConnection, settings=settings, open_connections=Connections(settings)
        ),
        backlog=BACKLOG,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=[str(each) for each in settings.trusted_proxies],
        timeout_graceful_shutdown=grace_seconds,
    )


def open_to_others(host: str, *, token: str | None) -> str | None:
    """A warning in words, when whoever reaches the address may use the server."""
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost"
    if is_loopback or token is not None:
        return None
    return (
        f"anybody who reaches {host} can use this server: set SR_SERVER_TOKEN, or put something "
        "in front of it that says who may"
    )
