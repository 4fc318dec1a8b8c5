"""Bodies on their way, in either direction, which end when they are too slow."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from backend.errors import PayloadTooLargeError, RequestError, SlowRequestError
from backend.requests.reply import Reply
from backend.settings import Settings

PIECE_BYTES = 2**16


class Pace:
    """The patience with one body, which may be below the slowest rate for some seconds at most.

    A fast beginning is no credit for the rest: patience never exceeds its start.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = settings.transfer_grace_seconds
        self._rate = settings.min_bytes_per_second
        self._clock = clock
        self._moved = 0
        self._end = clock() + self._patience

    def seconds_left(self, moved: int) -> float:
        """Return the seconds allowed for the next piece, after `moved` bytes in all; 0 or less if
        late.
        """
        now = self._clock()
        gained = (moved - self._moved) / self._rate
        self._moved = moved
        self._end = min(now + self._patience, self._end + gained)
        return self._end - now


async def pieces_of(
    request: Request, *, limit: int, what: str, settings: Settings
) -> AsyncIterator[bytes]:
    """Yield the pieces of a body of at most `limit` bytes.

    Raise PayloadTooLargeError, which names `what`, SlowRequestError, or RequestError if it ends
    too early. Only bytes that have arrived count, not announced ones.
    """
    pace, stream, nbytes = Pace(settings), aiter(request.stream()), 0
    while piece := await _next(stream, seconds=pace.seconds_left(nbytes)):
        nbytes += len(piece)
        if nbytes > limit:
            raise PayloadTooLargeError.over(limit, what=what)
        yield piece


async def _next(pieces: AsyncIterator[bytes], *, seconds: float) -> bytes:
    """Return the next piece of a body, or nothing at its end."""
    try:
        with anyio.fail_after(max(0.0, seconds)):
            return await anext(pieces, b"")
    except TimeoutError as exc:
        raise SlowRequestError from exc
    except ClientDisconnect as exc:
        raise RequestError("The request ended before its body was complete.") from exc


class PacedResponse(StreamingResponse):
    """An answer in pieces: one write of a hundred megabytes would keep `/ping` waiting."""

    def __init__(
        self,
        reply: Reply,
        settings: Settings,
        *,
        abort: Callable[[], None],
        on_end: Callable[[], None],
    ) -> None:
        """Take `abort`, which closes the connection of a slow reader."""
        headers = {**reply.headers, "Content-Length": str(len(reply.body))}
        pieces = _sent_pieces(reply.body, Pace(settings), abort)
        super().__init__(pieces, reply.status, headers=headers)
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, and call `on_end` whether it arrives or not."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._on_end()


async def _sent_pieces(body: bytes, pace: Pace, abort: Callable[[], None]) -> AsyncIterator[bytes]:
    """Yield each piece after the previous one was sent; end early for a slow reader."""
    for start in range(0, len(body), PIECE_BYTES):
        if pace.seconds_left(start) <= 0:
            abort()
            await anyio.sleep(0)  # until the connection is known to be closed
        yield body[start : start + PIECE_BYTES]
