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
    """The resources that a process has used so far."""

    seconds: float = 0.0
    """Processor time."""
    nbytes: int = 0
    """Memory that it holds now."""


@dataclass(frozen=True)
class Activity:
    """The activity of a process; two equal, inactive ones mean that it did nothing in between."""

    seconds: float
    """Processor time so far."""
    is_active: bool
    """True if it runs, is runnable, or waits for a disk."""


def is_running(number: int) -> bool | None:
    """Return whether a process with this id exists, or None if that is not known."""
    return psutil.pid_exists(number) if CAN_LOOK else None


def costs_of(number: int) -> Costs | None:
    """Return what a process has used, or None if it has ended or that is not known."""
    if not CAN_LOOK:
        return None
    try:
        process = psutil.Process(number)
        times = process.cpu_times()
        return Costs(times.user + times.system, process.memory_info().rss)
    except psutil.Error:
        return None


def activity_of(number: int) -> Activity | None:
    """Return the activity of a process, or None if it has ended or that is not known."""
    if not CAN_LOOK:
        return None
    try:
        process = psutil.Process(number)
        times = process.cpu_times()
        active = (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP)
        return Activity(times.user + times.system, process.status() in active)
    except psutil.Error:
        return None
