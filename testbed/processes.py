"""The project's programs as other processes."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable
from pathlib import Path
from secrets import SystemRandom

ROOT = Path(__file__).resolve().parents[1]
PORTS = range(20_000, 30_000)
"""Ports below the systems' ephemeral range, so that no connection takes one."""


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment with these `SR_*` variables and no others."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SR_")}
    return {**clean, "PYTHONPATH": str(ROOT), **settings}


def free_ports(count: int = 1) -> list[int]:
    """Return different ports of 127.0.0.1 for servers that cannot choose one themselves."""
    free = []
    for port in SystemRandom().sample(PORTS, len(PORTS)):
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
        free.append(port)
        if len(free) == count:
            return free
    raise RuntimeError("there are no free ports")


def address_in(log: Iterable[str]) -> str:
    """Read a server's log until it names its address; return "" if it ends before."""
    for line in log:
        found = re.search(r"running on (http://127\.0\.0\.1:\d+)", line)
        if found:
            return found[1]
    return ""
