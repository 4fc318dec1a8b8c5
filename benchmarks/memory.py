"""The memory of this process and of others."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
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
            found.extend(int(child) for child in task.read_text().split())
    return found


def resident_bytes(processes: Iterable[int]) -> int:
    """Return the resident bytes of all processes; shared pages count for each."""
    pages = (Path(f"/proc/{each}/statm").read_text().split()[1] for each in processes)
    return sum(map(int, pages)) * PAGE_BYTES
