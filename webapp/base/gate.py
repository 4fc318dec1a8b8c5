"""A bounded queue for work that one caller at a time may do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from backend.errors import BusyError

RETRY_SECONDS = 2


class Gate:
    """Lets one caller through at a time; `max_waiting` more wait, and others are refused."""

    def __init__(self, *, max_waiting: int) -> None:
        self._places = threading.BoundedSemaphore(1 + max_waiting)
        self._turn = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn and take it; raise BusyError at once if the line is full."""
        if not self._places.acquire(blocking=False):
            raise BusyError(seconds=RETRY_SECONDS)
        try:
            with self._turn:
                yield
        finally:
            self._places.release()
