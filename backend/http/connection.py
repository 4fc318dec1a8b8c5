"""One connection of uvicorn's, with deadlines and with this project's error shape."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from backend.errors import RequestError
from backend.http.connections import Connections
from backend.requests.handler import refuse
from backend.requests.reply import CORS_HEADERS
from backend.settings import Settings

log = logging.getLogger("backend.http")

ABORT = "abort"
"""In the state of a request's scope: closes the connection without sending what is left."""
MAX_HEADER_BYTES = 16 * 2**10
FREE_PIECES = 1024
LEAST_MEAN_BYTES = 512
"""A body may come in pieces of any size at first; after that, each is to be worth its handling."""


class Pieces(h11.Connection):
    """h11's, which gives up on bodies in crumbs: each piece costs time, however small it is."""

    pieces = 0
    piece_bytes = 0

    def next_event(self) -> Any:
        """RemoteProtocolError for too many small pieces."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            self.pieces = self.piece_bytes = 0
        elif isinstance(event, h11.Data):
            self.pieces += 1
            self.piece_bytes += len(event.data)
            if self.piece_bytes < (self.pieces - FREE_PIECES) * LEAST_MEAN_BYTES:
                raise h11.RemoteProtocolError("the body comes in too many small pieces")
        return event


class HttpConnection(H11Protocol):
    """Made by uvicorn for every socket that is accepted."""

    def __init__(
        self, *arguments: Any, settings: Settings, open_connections: Connections, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self.conn = Pieces(h11.SERVER, MAX_HEADER_BYTES)
        self.app_state = {**self.app_state, ABORT: self.abort}
        self._settings = settings
        self._open_connections = open_connections
        self._header_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    @property
    def address(self) -> str:
        """The client's, without its port."""
        return self.client[0] if self.client else ""

    @property
    def is_idle(self) -> bool:
        """No request is at work."""
        return self.cycle is None or self.cycle.response_complete

    def abort(self) -> None:
        """Closes the connection at once; what was not sent yet is dropped."""
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Headers must be there soon; a connection too many ends without a word."""
        super().connection_made(transport)
        if self._open_connections.add(self):
            self._wait_for_headers()
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing waits for it any more."""
        self._open_connections.discard(self)
        self._cancel(self._header_timer)
        self._cancel(self._write_timer)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Once a request's headers are complete, the time for them is no longer counted."""
        super().handle_events()
        if not self.is_idle:
            self._cancel(self._header_timer)

    def on_response_complete(self) -> None:
        """The next request's headers may begin whenever keep-alive allows, but not trickle."""
        self._wait_for_headers()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The reader lags behind; one that does not read at all is not waited for."""
        super().pause_writing()
        self._cancel(self._write_timer)
        self._write_timer = self.loop.call_later(self._settings.transfer_grace_seconds, self.abort)

    def resume_writing(self) -> None:
        """The reader has caught up."""
        self._cancel(self._write_timer)
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """`msg` is uvicorn's own text, which only the log gets."""
        request_id = str(uuid.uuid4())
        log.info("malformed request %s: %s", request_id, msg)
        if not self.is_idle:  # its answer is on its way or its body was cut short
            self.abort()
            return
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

    def _wait_for_headers(self) -> None:
        self._cancel(self._header_timer)
        seconds = self._settings.header_timeout_seconds
        self._header_timer = self.loop.call_later(seconds, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if self.is_idle:
            self.abort()

    @staticmethod
    def _cancel(timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()
