"""The memory of this process and of others."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def peak_bytes() -> int:
    """Return the peak resident bytes since this program started.

    Not `ru_maxrss`: for a program started by vfork, as `subprocess` does, Linux includes its
    parent's peak.
    """
    found = re.search(r"^VmHWM:\s*(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def family(process: int) -> list[int]:
    """Return the process's id, and those of all processes that it started."""
    found = [process]
    for each in found:
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
                found.extend(int(child) for child in task.read_text().split())
    return found


def resident_bytes(processes: Iterable[int]) -> int:
    """Return the resident bytes of all processes; shared pages count for each."""
    return sum(map(_resident_pages, processes)) * PAGE_BYTES


def _resident_pages(process: int) -> int:
    """Return 0 for a process that has ended."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
