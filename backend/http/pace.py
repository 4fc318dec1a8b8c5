"""How long a transfer may take: some seconds of grace, and then a least rate."""

from __future__ import annotations

import time
from collections.abc import Callable

from backend.settings import Settings


class Pace:
    """Of one body, in either direction; counts from its making."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._grace_seconds = settings.transfer_grace_seconds
        self._rate = settings.min_bytes_per_second
        self._clock = clock
        self._began = clock()

    def seconds_left(self, moved: int) -> float:
        """Until the next piece must be there, after so many bytes; 0 or less when it is late."""
        allowed = self._grace_seconds + moved / self._rate
        return self._began + allowed - self._clock()
