"""The time and memory that one picture may cost."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from backend.posix import limit_memory

BASE_SECONDS = 1.5
SECONDS_PER_MEGAPIXEL = 0.15
"""Processor time; the slowest good pictures take half of this."""
WALL_SECONDS = 30.0
"""Wall-clock limit; the limit of processor time is the real bound."""
BASE_BYTES = 300 * 2**20
BYTES_PER_PIXEL = 40
"""Memory per pixel; several copies exist while 16 bits or transparency are converted."""
PR_SET_PDEATHSIG = 1


def processor_seconds(pixels: int) -> float:
    """Return the processor time that a picture of so many pixels may take."""
    return BASE_SECONDS + SECONDS_PER_MEGAPIXEL * pixels / 1e6


def more_bytes(pixels: int) -> int:
    """Return the memory that a picture of so many pixels may add to the process."""
    return BASE_BYTES + BYTES_PER_PIXEL * pixels


def end_with_parent(parent: int) -> None:
    """Ask Linux to end this process when the one that forked it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the call above
            os._exit(1)


def limit(pixels: int = 0) -> None:
    """Have the kernel end this process when it costs more than a picture of so many pixels may.

    The first call begins to count; a later one adds the pixels' time to what is left, since a
    header that took long must not get its time twice. Running out of memory is an ordinary
    MemoryError first.
    """
    left = signal.getitimer(signal.ITIMER_PROF)[0]
    seconds = processor_seconds(pixels)
    if left:
        seconds += left - processor_seconds(0)
    else:
        signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    limit_memory(more_bytes(pixels))
