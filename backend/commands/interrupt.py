"""Ctrl-C and its like, for commands that end in an orderly way."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from backend.posix import STOP_SIGNALS

INTERRUPTED = 130
"""The exit code."""


class Interrupt:
    """The first signal to stop asks the work to end; the second ends the process at once."""

    def __init__(self) -> None:
        self._requested = threading.Event()

    def __enter__(self) -> Interrupt:
        self._before = {s: signal.signal(s, self._ask) for s in STOP_SIGNALS}
        return self

    def __exit__(self, *exc_info: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def is_requested(self) -> bool:
        """Return whether a stop was requested."""
        return self._requested.is_set()

    def _ask(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._requested.set()
        for each in STOP_SIGNALS:
            signal.signal(each, signal.SIG_DFL)
