"""A bounded queue: a few callers run, a few wait, the rest are refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from backend.engine import Watch
from backend.errors import BusyError

POLL_SECONDS = 0.2
WEIGHT_OF_NEWEST = 0.3
TYPICAL_SECONDS = 2.0
"""Assumed length of a turn, before any was finished."""


class Turn:
    """The time in which one caller works; made by `Gate`."""

    def __init__(self, *, began: float, seconds: float) -> None:
        self.began = began
        self.seconds = seconds

    def expect(self, seconds: float) -> None:
        """Tell how long this turn will take, as soon as that is known."""
        self.seconds = seconds


class Gate:
    """Lets `max_running` callers through at a time, in order of arrival."""

    def __init__(
        self, *, max_running: int, max_queued: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_running = max_running
        self._max_queued = max_queued
        self._clock = clock
        self._changed = threading.Condition()
        self._running: list[Turn] = []
        self._waiting: list[object] = []
        self._typical_seconds = TYPICAL_SECONDS

    @property
    def load(self) -> tuple[int, int]:
        """(running, waiting) just now."""
        with self._changed:
            return len(self._running), len(self._waiting)

    @property
    def seconds_until_free(self) -> float:
        """Return the seconds until the first running turn is expected to end."""
        with self._changed:
            return self._seconds_until_free()

    @contextmanager
    def turn(self, watch: Watch) -> Iterator[Turn]:
        """Wait for a turn, see `Watch.check`; BusyError at once when the queue is full."""
        turn = self._enter(watch)
        try:
            yield turn
        finally:
            with self._changed:
                took = self._clock() - turn.began
                self._typical_seconds += WEIGHT_OF_NEWEST * (took - self._typical_seconds)
                self._running.remove(turn)
                self._changed.notify_all()

    def _enter(self, watch: Watch) -> Turn:
        ticket = object()
        with self._changed:
            # Both are counted together: one who ended leaves a place that the first of the queue
            # has not taken yet, and a newcomer must not see two in it.
            if len(self._running) + len(self._waiting) >= self._max_running + self._max_queued:
                raise BusyError.for_seconds(self._seconds_until_free())
            self._waiting.append(ticket)
            try:
                while len(self._running) >= self._max_running or self._waiting[0] is not ticket:
                    watch.check()
                    self._changed.wait(POLL_SECONDS)
                turn = Turn(began=self._clock(), seconds=self._typical_seconds)
                self._running.append(turn)
                return turn
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _seconds_until_free(self) -> float:
        now = self._clock()
        left = [turn.began + turn.seconds - now for turn in self._running]
        return max(0.0, min(left, default=0.0))
