"""A bounded queue before the work: so many at a time, so many waiting, the rest refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from backend.engine import Watch
from backend.errors import BusyError

POLL_SECONDS = 0.2


class Gate:
    """Lets `max_running` callers through at a time, in order of arrival."""

    def __init__(self, *, max_running: int, max_queued: int) -> None:
        self._max_running = max_running
        self._max_queued = max_queued
        self._changed = threading.Condition()
        self._running = 0
        self._waiting: list[object] = []

    @property
    def load(self) -> tuple[int, int]:
        """(running, waiting) just now."""
        with self._changed:
            return self._running, len(self._waiting)

    @contextmanager
    def turn(self, watch: Watch) -> Iterator[None]:
        """Wait for a turn, see `Watch.check`; BusyError at once when the queue is full."""
        self._enter(watch)
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _enter(self, watch: Watch) -> None:
        ticket = object()
        with self._changed:
            if self._running >= self._max_running and len(self._waiting) >= self._max_queued:
                raise BusyError.behind(len(self._waiting))
            self._waiting.append(ticket)
            try:
                while self._running >= self._max_running or self._waiting[0] is not ticket:
                    watch.check()
                    self._changed.wait(POLL_SECONDS)
                self._running += 1
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
