"""Other processes: the only module that imports psutil.

Without psutil, nothing is known of them.
"""

from __future__ import annotations

from dataclasses import dataclass

try:
    import psutil
except ImportError:
    CAN_LOOK = False
else:
    CAN_LOOK = True


@dataclass(frozen=True)
class Costs:
    """The resources that a process has used so far, and whether it uses more just now."""

    seconds: float = 0.0
    """Processor time."""
    nbytes: int = 0
    """Memory that it holds now."""
    is_active: bool = False
    """True if it runs, is runnable, or waits for a disk."""


def is_running(number: int) -> bool | None:
    """Return whether a process with this id exists, or None if that is not known."""
    return psutil.pid_exists(number) if CAN_LOOK else None


def costs_of(number: int) -> Costs | None:
    """Return what a process has used, or None if it has ended or that is not known."""
    if not CAN_LOOK:
        return None
    active = (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP)
    try:
        process = psutil.Process(number)
        times = process.cpu_times()
        return Costs(
            seconds=times.user + times.system,
            nbytes=process.memory_info().rss,
            is_active=process.status() in active,
        )
    except psutil.Error:
        return None
