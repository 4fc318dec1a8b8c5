"""Other processes as the system shows them: the only module that imports psutil.

Where psutil cannot be loaded, nothing is known of them.
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
    """The activity of a process: between two equal, inactive ones it did nothing."""

    seconds: float
    """Processor time so far."""
    is_active: bool
    """It runs, could run if it were its turn, or waits for a disk."""


def is_running(number: int) -> bool | None:
    """Return whether there is a process of this number, or None where that is not known."""
    return psutil.pid_exists(number) if CAN_LOOK else None


def costs_of(number: int) -> Costs | None:
    """Return what a process has taken, or None when it has ended or that is not known."""
    if not CAN_LOOK:
        return None
    try:
        process = psutil.Process(number)
        times = process.cpu_times()
        return Costs(times.user + times.system, process.memory_info().rss)
    except psutil.Error:
        return None


def activity_of(number: int) -> Activity | None:
    """Return what a process does now, or None when it has ended or that is not known."""
    if not CAN_LOOK:
        return None
    try:
        process = psutil.Process(number)
        times = process.cpu_times()
        active = (psutil.STATUS_RUNNING, psutil.STATUS_DISK_SLEEP)
        return Activity(times.user + times.system, process.status() in active)
    except psutil.Error:
        return None
