"""The application behind a socket: uvicorn, stopped gently."""

from __future__ import annotations

import logging
import signal
import uuid

import h11
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from backend.errors import RequestError
from backend.protocol import refuse
from backend.reply import CORS_HEADERS

log = logging.getLogger("backend.http")


class Protocol(H11Protocol):
    """uvicorn's, with the one error shape for what is not HTTP."""

    def send_400_response(self, msg: str) -> None:
        """`msg` is uvicorn's own text, which only the log gets."""
        request_id = str(uuid.uuid4())
        log.info("malformed request %s: %s", request_id, msg)
        reply = refuse(RequestError.not_http(), request_id=request_id)
        length = str(len(reply.body))
        headers = {**reply.headers, **CORS_HEADERS, "Content-Length": length, "Connection": "close"}
        for event in (
            h11.Response(
                status_code=reply.status, reason=b"Bad Request", headers=list(headers.items())
            ),
            h11.Data(data=reply.body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event))
        self.transport.close()


def serve(app: Starlette, *, host: str, port: int, grace_seconds: int) -> None:
    """Until SIGTERM or SIGINT; running requests then get `grace_seconds`, new ones are refused.

    SystemExit when the port cannot be had.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=grace_seconds,
    )
    server = uvicorn.Server(config)
    for stop in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal once more when it is done: by then this changes nothing, while
        # the handler that was there before would end the process as if by accident.
        signal.signal(stop, server.handle_exit)
    server.run()
