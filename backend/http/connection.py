"""uvicorn's connections with deadlines, and a bound on their number.

uvicorn bounds the size of headers and the wait between two requests, and nothing else that a slow
or silent client could hold: this is the one file that reaches into its protocol class for the rest
(`tests/http/test_connection.py` names what it relies on).
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from typing import Any, Protocol

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from backend.errors import RequestError
from backend.http.client import client_from, is_within
from backend.posix import max_open_files
from backend.requests.handler import refuse
from backend.requests.reply import CORS_HEADERS
from backend.settings import Settings

log = logging.getLogger("backend.http")

ABORT = "abort"
"""The key in a request's state of the function that aborts its connection."""
HEADERS, WRITING, PROBE = "headers", "writing", "probe"
"""The timers of a connection."""
MAX_HEADER_BYTES = 16 * 2**10
FREE_PIECES = 1024
LEAST_MEAN_BYTES = 512
"""The least mean size of a body's pieces after the first `FREE_PIECES`: each costs time."""
LENGTHS = {b"content-length", b"transfer-encoding"}
"""The headers that tell a body's length; a proxy in front may believe the other one."""
PROBE_SECONDS = 1.0
"""Seconds between checks whether a silent client is still there."""
ARRIVING_SECONDS = 3.0
"""Seconds for the first request of a client who connected just before the server stops."""
BACKLOG = 32
"""Connections that are accepted at once, before any can be examined."""
SPARE_DESCRIPTORS = 64 + 4 * BACKLOG
"""Descriptors reserved for networks, sources, the decoder, the log and new connections."""


class Connection(Protocol):
    """The interface that `Connections` needs."""

    @property
    def address(self) -> str: ...

    @property
    def is_idle(self) -> bool:
        """True if it has no request in progress."""
        ...

    @property
    def is_closed(self) -> bool: ...

    def abort(self) -> None:
        """Close it at once."""
        ...


class Connections:
    """The open connections of one server, bounded in all and for each client.

    A socket costs nothing to open and a descriptor to keep. When there are too many, an idle one
    makes room; one with a request in progress never does.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        max_descriptors: Callable[[], int | None] = max_open_files,
    ) -> None:
        descriptors = max_descriptors()
        self._max = settings.max_connections
        if descriptors is not None:
            self._max = max(1, min(self._max, descriptors - SPARE_DESCRIPTORS))
        self._max_each = settings.client_connections
        self._proxies = settings.trusted_proxies
        self._open: dict[Connection, str] = {}
        """The client of each, in the order of arrival."""

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Connection) -> bool:
        """Return whether the connection may stay; an older, idle one may be closed for it."""
        client = client_from(connection.address)
        is_shared = is_within(connection.address, self._proxies)
        number = sum(owner == client for owner in self._open.values())
        if number >= self._max_each and not is_shared:
            if not self._make_room(client):
                return False
        elif len(self._open) >= self._max and not self._make_room(None):
            return False
        self._open[connection] = client
        return True

    def discard(self, connection: Connection) -> None:
        self._open.pop(connection, None)

    def _make_room(self, client: str | None) -> bool:
        """Close the oldest idle connection, of this client where one is named."""
        found = [each for each, owner in self._open.items() if client in (None, owner)]
        # A connection that became a websocket is closed without notice.
        closed = [each for each in found if each.is_closed]
        leaving = closed or [each for each in found if each.is_idle][:1]
        for each in leaving:
            self.discard(each)
            each.abort()
        return bool(leaving)


class StrictParser(h11.Connection):
    """h11's parser, which refuses bodies with two lengths and bodies in tiny pieces."""

    pieces = 0
    piece_bytes = 0

    def next_event(self) -> Any:
        """Return the next event; RemoteProtocolError for two lengths or too many small pieces."""
        event = super().next_event()
        if isinstance(event, h11.Request):
            self.pieces = self.piece_bytes = 0
            if {name for name, _ in event.headers} >= LENGTHS:
                raise h11.RemoteProtocolError("a proxy may take the other length for the body's")
        elif isinstance(event, h11.Data):
            self.pieces += 1
            self.piece_bytes += len(event.data)
            if self.piece_bytes < (self.pieces - FREE_PIECES) * LEAST_MEAN_BYTES:
                raise h11.RemoteProtocolError("the body comes in too many small pieces")
        return event


class HttpConnection(H11Protocol):
    """A connection with deadlines; uvicorn makes one for every socket that it accepts."""

    def __init__(
        self, *arguments: Any, settings: Settings, open_connections: Connections, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self.conn = StrictParser(
            h11.SERVER, self.config.h11_max_incomplete_event_size or MAX_HEADER_BYTES
        )
        self.app_state = {**self.app_state, ABORT: self.abort}
        self._settings = settings
        self._open_connections = open_connections
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._is_websocket = False
        self._is_half_closed = False
        self._is_last = False

    @property
    def address(self) -> str:
        """The other side's address, without its port."""
        return self.client[0] if self.client else ""

    @property
    def is_idle(self) -> bool:
        """True if no request is in progress."""
        if self._is_websocket:
            return False
        return self.cycle is None or self.cycle.response_complete

    @property
    def is_closed(self) -> bool:
        return self.transport is None or self.transport.is_closing()

    def abort(self) -> None:
        """Close the connection at once; unsent data is dropped."""
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the header timer; abort if there are too many connections."""
        super().connection_made(transport)
        if self._open_connections.add(self):
            self._wait_for_headers()
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._open_connections.discard(self)
        self._stop(*self._timers)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close when idle, but let a client who has just connected send a request."""
        if self.cycle is not None or self._is_websocket:
            super().shutdown()
            return
        self._is_last = True
        self._start(HEADERS, ARRIVING_SECONDS, self._end_if_idle)

    def handle_events(self) -> None:
        """Stop the timer for headers once they are complete."""
        super().handle_events()
        if not self.is_idle:
            self._stop(HEADERS)
            if self._is_last and not self._is_websocket:
                self.cycle.keep_alive = False

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the socket over; it still counts."""
        self._is_websocket = True
        self._stop(HEADERS, WRITING)
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """Start the timer for the next request's headers, or close if there can be none."""
        self._wait_for_headers()
        super().on_response_complete()
        if self._is_half_closed and self.is_idle:
            self.transport.close()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection of a client that has sent a whole request and waits for the answer.

        A client that hangs up looks the same until something is sent to it.
        """
        if self.is_idle or self.cycle.more_body:
            return False
        self._is_half_closed = True
        self._probe()
        return True

    def pause_writing(self) -> None:
        """Start the timer for a reader that does not read at all."""
        super().pause_writing()
        self._start(WRITING, self._settings.transfer_grace_seconds, self.abort)

    def resume_writing(self) -> None:
        self._stop(WRITING)
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer in this project's error shape; `msg` is uvicorn's text, for the log alone."""
        request_id = str(uuid.uuid4())
        log.info("malformed request %s: %s", request_id, msg)
        if not self.is_idle:
            if not self.cycle.more_body or self.conn.our_state is not h11.SEND_RESPONSE:
                self.abort()  # its answer is already on its way
                return
            self.cycle.disconnected = True  # the reader of the body ends without an answer
            self.cycle.message_event.set()
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

    def _probe(self) -> None:
        """Send `100 Continue` now and then: the error from a client that hung up ends the work.

        Every client of HTTP/1.1 must skip such an answer; HTTP/1.0 does not know it.
        """
        knows_it = self.scope["http_version"] == "1.1"
        is_before_answer = self.conn.our_state is h11.SEND_RESPONSE
        if PROBE in self._timers and knows_it and is_before_answer and not self.is_closed:
            probe = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
            self.transport.write(self.conn.send(probe))
        self._start(PROBE, PROBE_SECONDS, self._probe)

    def _wait_for_headers(self) -> None:
        self._start(HEADERS, self._settings.header_timeout_seconds, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if self.is_idle:
            self.abort()

    def _start(self, timer: str, seconds: float, act: Callable[[], None]) -> None:
        self._stop(timer)
        self._timers[timer] = self.loop.call_later(seconds, act)

    def _stop(self, *timers: str) -> None:
        for timer in timers:
            if timer in self._timers:
                self._timers.pop(timer).cancel()
