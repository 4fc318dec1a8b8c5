"""The project's programs as other processes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment with these `SR_*` variables and no others."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SR_")}
    return {**clean, "PYTHONPATH": str(ROOT), **settings}


def address_in(log: Iterable[str]) -> str:
    """Read a server's log until it names its address; return "" if it ends before."""
    for line in log:
        found = re.search(r"running on (http://127\.0\.0\.1:\d+)", line)
        if found:
            return found[1]
    return ""
