"""Admission of requests: a rate and bytes in flight for each client, and places in the line.

A place in the line is taken once the picture has arrived, so that a body or link that never comes
keeps nobody out. Worker threads take places; everything else runs on the server's event loop.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import anyio

from backend.errors import BusyError, SuperResolutionError, TooManyRequestsError
from backend.settings import Settings

MINUTE = 60.0
MAX_CLIENTS = 10_000
"""The most clients whose rate is remembered; the quietest is forgotten first."""
RETRY_SECONDS = 2
POLL_SECONDS = 0.1


@dataclass
class _Allowance:
    """The requests that a client may still send, refilled over time."""

    left: float
    at: float


class Visit:
    """One request from its headers to the end of its answer; made by `Admission`."""

    def __init__(self, admission: Admission, client: str, abort: Callable[[], None]) -> None:
        self._admission = admission
        self.client = client
        self.abort = abort
        self.bytes = 0
        """Bytes of its body or answer that count for its client."""
        self.moving_since: float | None = None
        """The moment when the body or answer began to move; None during the work."""

    def receive(self) -> None:
        """Note that the body begins to arrive."""
        self.moving_since = self._admission.clock()

    def reserve(self, size: int) -> None:
        """Count `size` bytes of the body in all; raise BusyError or TooManyRequestsError."""
        if size > self.bytes:
            self._admission.make_room(self, size - self.bytes)
            self.bytes = size

    def work(self) -> None:
        """Note that the body is complete."""
        self.moving_since = None

    async def send(self, size: int) -> None:
        """Count an answer of `size` bytes in place of the body, and wait a while for room.

        Raise BusyError or TooManyRequestsError if others read their answers too slowly.
        """
        self.bytes = 0
        end = self._admission.clock() + self._admission.patience
        while True:
            try:
                self._admission.make_room(self, size, is_answer=True)
            except SuperResolutionError:
                if self._admission.clock() >= end:
                    raise
                await anyio.sleep(POLL_SECONDS)
            else:
                break
        self.bytes = size
        self.moving_since = self._admission.clock()


class Admission:
    """The counts of one server's clients, their bytes and their places."""

    def __init__(
        self,
        settings: Settings,
        *,
        load: Callable[[], tuple[int, int]],
        seconds_until_free: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self.load = load
        """Returns how many pictures are (running, waiting)."""
        self._seconds_until_free = seconds_until_free
        self.clock = clock
        self.patience = settings.transfer_grace_seconds
        """Seconds that an answer waits for room, after which a transfer is slow."""
        self._max_each = settings.client_pictures or max(1, self.max_places - 1)
        self._lock = threading.Lock()
        self._places: Counter[str] = Counter()
        self._visits: dict[Visit, None] = {}
        self._allowances: OrderedDict[str, _Allowance] = OrderedDict()

    @property
    def max_places(self) -> int:
        """The number of pictures that may wait and be worked on."""
        return self._settings.max_running + self._settings.max_queued

    @contextmanager
    def visit(self, client: str, *, abort: Callable[[], None]) -> Iterator[Visit]:
        """Count a request; raise BusyError or TooManyRequestsError to refuse it at once.

        `abort` closes its connection.
        """
        self._check_rate(client)
        self._check_line(client)
        visit = Visit(self, client, abort)
        self._visits[visit] = None
        try:
            yield visit
        finally:
            self._visits.pop(visit, None)

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """Hold one of the client's places while the engine has its picture.

        Raise TooManyRequestsError if the client has none left; the engine itself refuses when its
        line is full.
        """
        with self._lock:
            if self._places[client] >= self._max_each:
                raise TooManyRequestsError(seconds=self._seconds_until_free())
            self._places[client] += 1
        try:
            yield
        finally:
            with self._lock:
                self._places[client] -= 1
                if self._places[client] <= 0:
                    del self._places[client]

    def make_room(self, visit: Visit, size: int, *, is_answer: bool = False) -> None:
        """Find room for `size` more bytes of a visit; raise BusyError or TooManyRequestsError.

        An answer to a client without other transfers always fits: its work is done. A slow transfer
        of a client who has more than this one makes room.
        """
        held = sum(each.bytes for each in self._visits if each.client == visit.client)
        is_alone = is_answer and not held
        if not is_alone and held + size > self._settings.client_bytes_in_flight:
            raise TooManyRequestsError(
                "This client is already sending as many bytes as allowed.",
                seconds=max(RETRY_SECONDS, self._seconds_until_free()),
            )
        while self._total() + size > self._settings.max_bytes_in_flight:
            if is_answer and not self._total():
                return
            slow = self._slowest(held + size)
            if slow is None:
                raise BusyError(seconds=max(RETRY_SECONDS, self._seconds_until_free()))
            del self._visits[slow]
            slow.abort()

    def _total(self) -> int:
        return sum(each.bytes for each in self._visits)

    def _slowest(self, size: int) -> Visit | None:
        """Return the longest slow transfer of a client who holds more than `size` bytes."""
        now = self.clock()
        held: Counter[str] = Counter()
        for each in self._visits:
            held[each.client] += each.bytes
        slow = [
            (each.moving_since, each)
            for each in self._visits
            if each.bytes
            and each.moving_since is not None
            and now - each.moving_since > self.patience
            and held[each.client] > size
        ]
        return min(slow, key=lambda found: found[0])[1] if slow else None

    def _check_line(self, client: str) -> None:
        """Refuse early what the engine would refuse once the body has arrived."""
        if sum(self.load()) >= self.max_places:
            raise BusyError(seconds=self._seconds_until_free())
        if self._places[client] >= self._max_each:
            raise TooManyRequestsError(seconds=self._seconds_until_free())

    def _check_rate(self, client: str) -> None:
        """Take one request from an allowance for a minute, which refills evenly."""
        full = self._settings.client_requests_per_minute
        now = self.clock()
        allowance = self._allowances.pop(client, None) or _Allowance(left=full, at=now)
        allowance.left = min(full, allowance.left + (now - allowance.at) * full / MINUTE)
        allowance.at = now
        self._allowances[client] = allowance
        if len(self._allowances) > MAX_CLIENTS:
            self._allowances.popitem(last=False)
        if allowance.left < 1:
            raise TooManyRequestsError(
                f"This client sent more than {full} requests in a minute.",
                seconds=(1 - allowance.left) * MINUTE / full,
            )
        allowance.left -= 1
