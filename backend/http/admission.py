"""Who may send a request's body: places in all and for each client, and bytes on their way.

Everything here runs on the server's event loop, so nothing needs a lock.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from backend.errors import BusyError, TooManyRequestsError
from backend.settings import Settings

MINUTE = 60.0
MAX_CLIENTS = 10_000
"""Whose rate is remembered; the one that was quiet for the longest is forgotten first."""
RETRY_SECONDS = 2


@dataclass
class _Allowance:
    """Requests that a client may still send just now; it fills up again with time."""

    left: float
    at: float


class Visit:
    """One request between its headers and its answer; made by `Admission`."""

    def __init__(self, admission: Admission, client: str) -> None:
        self._admission = admission
        self._client = client
        self.bytes = 0

    def reserve(self, size: int) -> None:
        """Makes room for a body of so many bytes in all; BusyError or TooManyRequestsError."""
        more = size - self.bytes
        if more > 0:
            self._admission.take_bytes(self._client, more)
            self.bytes = size


class Admission:
    """Made once a server."""

    def __init__(
        self,
        settings: Settings,
        *,
        seconds_until_free: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._seconds_until_free = seconds_until_free
        self._clock = clock
        self._max_each = settings.client_pictures or max(1, self.max_places - 1)
        self._places: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._allowances: OrderedDict[str, _Allowance] = OrderedDict()

    @property
    def places(self) -> int:
        """Requests that are being received, waiting or worked on."""
        return self._places.total()

    @property
    def max_places(self) -> int:
        """How many there may be."""
        return self._settings.max_running + self._settings.max_queued

    @contextmanager
    def visit(self, client: str) -> Iterator[Visit]:
        """A place for a request; BusyError or TooManyRequestsError when there is none for it."""
        self._check_rate(client)
        if self.places >= self.max_places:
            raise BusyError.for_seconds(self._seconds_until_free())
        if self._places[client] >= self._max_each:
            raise TooManyRequestsError.pictures(self._seconds_until_free())
        visit = Visit(self, client)
        self._places[client] += 1
        try:
            yield visit
        finally:
            for counter, number in ((self._places, 1), (self._bytes, visit.bytes)):
                counter[client] -= number
                if counter[client] <= 0:
                    del counter[client]

    def take_bytes(self, client: str, size: int) -> None:
        """Called by a visit for its body."""
        if self._bytes.total() + size > self._settings.max_bytes_in_flight:
            raise BusyError.for_seconds(max(RETRY_SECONDS, self._seconds_until_free()))
        if self._bytes[client] + size > self._settings.client_bytes_in_flight:
            raise TooManyRequestsError.bytes(self._seconds_until_free())
        self._bytes[client] += size

    def _check_rate(self, client: str) -> None:
        """A bucket that holds a minute's requests and fills up evenly."""
        full = self._settings.client_requests_per_minute
        now = self._clock()
        allowance = self._allowances.pop(client, None) or _Allowance(left=full, at=now)
        allowance.left = min(full, allowance.left + (now - allowance.at) * full / MINUTE)
        allowance.at = now
        self._allowances[client] = allowance
        if len(self._allowances) > MAX_CLIENTS:
            self._allowances.popitem(last=False)
        if allowance.left < 1:
            raise TooManyRequestsError.rate(full, (1 - allowance.left) * MINUTE / full)
        allowance.left -= 1
