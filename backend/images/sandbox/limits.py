"""What one picture may cost, set by the process that decodes it on itself."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

BASE_SECONDS = 1.5
SECONDS_PER_MEGAPIXEL = 0.15
"""Of processor time: the slowest good pictures take half of this."""
WALL_SECONDS = 30.0
"""For a machine with much else to do; a file cannot make the decoder sleep."""
BASE_BYTES = 300 * 2**20
BYTES_PER_PIXEL = 40
"""While 16 bits or transparency are converted, several copies exist at once."""
PAGE_BYTES = resource.getpagesize()
PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Linux ends this process when the one that forked it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before that was said
            os._exit(1)


def limit(*, pixels: int = 0) -> None:
    """From now on for a picture of so many pixels; the kernel ends the process beyond.

    Running out of memory is an ordinary MemoryError first.
    """
    megapixels = pixels / 1e6
    signal.setitimer(signal.ITIMER_PROF, BASE_SECONDS + SECONDS_PER_MEGAPIXEL * megapixels)
    signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    allowed = _address_space() + BASE_BYTES + BYTES_PER_PIXEL * pixels
    with suppress(ValueError, OSError):  # where the system has a lower limit of its own
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (allowed, hard))


def _address_space() -> int:
    """Of this process just now; without end where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return resource.RLIM_INFINITY
    return pages * PAGE_BYTES
