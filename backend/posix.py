"""Differences between POSIX systems and Windows: nothing else imports `fcntl` or `resource`.

On Windows each function answers as if there were no limit.
"""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
    import resource
except ModuleNotFoundError:
    IS_POSIX = False
else:
    IS_POSIX = True

STOP_SIGNALS = tuple(
    signal.Signals(getattr(signal, name))
    for name in ("SIGINT", "SIGTERM", "SIGBREAK")
    if hasattr(signal, name)
)
"""Signals that ask a program to stop: on Windows Ctrl-Break, since no program can send SIGTERM."""


def max_open_files() -> int | None:
    """Return how many descriptors this process may have open, or None without such a limit."""
    if not IS_POSIX:
        return None
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def has_file_limit() -> bool:
    """Return whether files that this process writes, in memory too, may have only some length."""
    return IS_POSIX and resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY


def limit_memory(more_bytes: int) -> None:
    """Allow this process so many more bytes than it has, and disable core files.

    Beyond them an allocation fails, which Python reports as MemoryError.
    """
    if not IS_POSIX:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    used = _address_space()
    if used is None:
        return
    with suppress(ValueError, OSError):  # if the system has a lower limit
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (used + more_bytes, hard))


def seal_length(descriptor: int) -> None:
    """Seal a file in memory against shortening, which would kill every process that maps it."""
    if IS_POSIX:
        with suppress(AttributeError, OSError):  # only Linux has sealed files in memory
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)


def _address_space() -> int | None:
    """Return the bytes of this process's address space, or None where the system hides them."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return None
    return pages * resource.getpagesize()
