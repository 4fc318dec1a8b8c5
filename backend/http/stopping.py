"""The end of a server's grace: requests in progress still get an answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from backend.errors import BusyError

RETRY_SECONDS = 5


class Stop:
    """The signal to a server's requests that its time is over; used on its event loop."""

    def __init__(self) -> None:
        self._is_over = False
        self._scopes: set[anyio.CancelScope] = set()

    def end(self) -> None:
        """End every block within `until_stopped`, now and from now on."""
        self._is_over = True
        for scope in list(self._scopes):
            scope.cancel()

    @contextmanager
    def until_stopped(self) -> Iterator[None]:
        """Run the block; raise BusyError if the server's time ends before it is done."""
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                if self._is_over:
                    scope.cancel()
                yield
            finally:
                self._scopes.discard(scope)
        if scope.cancelled_caught:
            raise BusyError(
                "The server is being stopped; try again in a moment.", seconds=RETRY_SECONDS
            )
