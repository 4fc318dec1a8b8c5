"""The connections of a server: so many in all and for each client.

A socket costs nothing to open and a descriptor to keep. When there are too many, one that waits
for nothing but its sender's next word makes room; one with a request at work never does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from backend.http.client import is_within
from backend.posix import max_open_files
from backend.settings import Settings

BACKLOG = 32
"""Connections that are accepted at once, before any of them can be looked at."""
SPARE_DESCRIPTORS = 64 + 4 * BACKLOG
"""For networks, sources, the decoder and the log, and for what was accepted a moment ago."""


class Connection(Protocol):
    """What is asked of one."""

    @property
    def address(self) -> str: ...

    @property
    def is_idle(self) -> bool:
        """No request is at work on it."""
        ...

    def abort(self) -> None:
        """Closes it at once."""
        ...


class Connections:
    """Made once a server; on its event loop."""

    def __init__(
        self, settings: Settings, *, max_descriptors: Callable[[], int | None] = max_open_files
    ) -> None:
        self._max = settings.max_connections
        descriptors = max_descriptors()
        if descriptors is not None:
            self._max = max(1, min(self._max, descriptors - SPARE_DESCRIPTORS))
        self._max_each = settings.client_connections
        self._proxies = settings.trusted_proxies
        self._open: dict[Connection, None] = {}
        self._each: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Connection) -> bool:
        """Whether it may stay; an older and idle one may have to leave for it."""
        if self._each[connection.address] >= self._max_each and not self._is_proxy(connection):
            if not self._make_room(connection.address):
                return False
        elif len(self._open) >= self._max and not self._make_room(None):
            return False
        self._open[connection] = None
        self._each[connection.address] += 1
        return True

    def discard(self, connection: Connection) -> None:
        """It was closed."""
        if connection in self._open:
            del self._open[connection]
            self._each[connection.address] -= 1
            if self._each[connection.address] <= 0:
                del self._each[connection.address]

    def _is_proxy(self, connection: Connection) -> bool:
        """Return whether the connection may carry the requests of many clients."""
        return is_within(connection.address, self._proxies)

    def _make_room(self, address: str | None) -> bool:
        """Closes the oldest idle one, of this client where one is named."""
        for each in self._open:
            if each.is_idle and address in (None, each.address):
                self.discard(each)
                each.abort()
                return True
        return False
