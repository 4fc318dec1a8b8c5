"""The processor seconds of the page's server and of a browser."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Browser

from benchmarks.memory import family

TICKS = os.sysconf("SC_CLK_TCK")
BROWSER_PARTS = {"renderer": "pages", "GPU": "drawing"}
"""Chromium's types of processes; all others are `REST`."""
REST = "rest of the browser"


def family_seconds(process: int) -> float:
    """Return the seconds of the process and of all that it started, also of those that ended."""
    return sum(map(_ticks, family(process))) / TICKS


def browser_seconds(browser: Browser) -> dict[str, float]:
    """Return the seconds of Chromium's present processes by their part."""
    session = browser.new_browser_cdp_session()
    found = dict.fromkeys([*BROWSER_PARTS.values(), REST], 0.0)
    for each in session.send("SystemInfo.getProcessInfo")["processInfo"]:
        found[BROWSER_PARTS.get(each["type"], REST)] += each["cpuTime"]
    session.detach()
    return found


def split(before: Mapping[str, float], after: Mapping[str, float], *, by: int) -> str:
    """Say what was spent between two moments, divided `by` the visitors."""
    shares = {part: (after[part] - before[part]) / by for part in after}
    parts = ", ".join(f"{part} {seconds:.2f}" for part, seconds in shares.items())
    return f"{sum(shares.values()):.2f} s: {parts}"


def _ticks(process: int) -> int:
    """Return 0 for a process that has ended, whose parent has its time."""
    with suppress(FileNotFoundError, ProcessLookupError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15]))  # own and of ended children, of programs and system
    return 0
