"""The application behind a socket: uvicorn, stopped gently."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import signal
import socket
from functools import partial

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.http.connection import (
    ABORT,
    BACKLOG,
    MAX_HEADER_BYTES,
    Connections,
    HttpConnection,
)
from backend.http.stopping import Stop
from backend.posix import STOP_SIGNALS
from backend.settings import Settings

log = logging.getLogger("backend.http")

PARTING_SECONDS = 3
"""Seconds beyond the grace to tell waiting clients that the server stops."""


class Server(uvicorn.Server):
    """uvicorn's server, which answers waiting clients when its grace is over."""

    def __init__(self, config: uvicorn.Config, *, stop: Stop, grace_seconds: float) -> None:
        super().__init__(config)
        self._stop = stop
        self._grace_seconds = grace_seconds

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let requests finish within the grace, then refuse the rest with a message."""
        timer = asyncio.get_running_loop().call_later(self._grace_seconds, self._stop.end)
        await super().shutdown(sockets)
        timer.cancel()


class CutOff:
    """ASGI middleware for requests that uvicorn cancels: their connection is aborted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            scope["state"][ABORT]()
            await asyncio.sleep(0)  # until the connection is known to be closed


def serve(
    app: ASGIApp, *, host: str, port: int, grace_seconds: int, settings: Settings, stop: Stop
) -> None:
    """Serve until a signal to stop; running requests then get `grace_seconds`, new ones nothing.

    Raise SystemExit if the port is not available.
    """
    warning = open_to_others(host, token=settings.server_token)
    if warning:
        log.warning("%s", warning)
    config = server_config(
        app, host=host, port=port, grace_seconds=grace_seconds, settings=settings
    )
    server = Server(config, stop=stop, grace_seconds=grace_seconds)
    for number in STOP_SIGNALS:
        # uvicorn raises the signal once more when it is done: by then this changes nothing, while
        # the handler that was there before would end the process as if by accident.
        signal.signal(number, server.handle_exit)
    server.run()


def server_config(
    app: ASGIApp, *, host: str, port: int, grace_seconds: int, settings: Settings
) -> uvicorn.Config:
    """Return uvicorn's configuration, with connections that have deadlines."""
    return uvicorn.Config(
        CutOff(app),
        host=host,
        port=port,
        http=partial(  # type: ignore[arg-type]  # called as the class would be
            HttpConnection, settings=settings, open_connections=Connections(settings)
        ),
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        backlog=BACKLOG,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=[str(each) for each in settings.trusted_proxies],
        timeout_graceful_shutdown=grace_seconds + PARTING_SECONDS,
    )


def open_to_others(host: str, *, token: str | None) -> str | None:
    """Return a warning if anyone who reaches the address may use the server."""
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
