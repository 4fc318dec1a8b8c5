"""The slowest allowed pace of a transfer: below the rate for some seconds at most."""

from __future__ import annotations

import time
from collections.abc import Callable

from backend.settings import Settings


class Pace:
    """The patience with one body, in either direction.

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
