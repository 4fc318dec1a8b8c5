"""Ports at which a process and its children listen, from Linux's /proc."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
LISTEN = "0A"


def listening(pid: int) -> set[tuple[str, int]]:
    """Return address and port of each listening TCP socket, over IPv4 and IPv6."""
    owned = {inode for each in _family(pid) for inode in _sockets(each)}
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        path = PROC / "net" / table
        lines = path.read_text().splitlines()[1:] if path.exists() else []
        for line in lines:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == LISTEN and inode in owned:
                address, _, port = local.partition(":")
                found.add((_address(address, family), int(port, 16)))
    return found


def _family(pid: int) -> Iterator[int]:
    """Yield the process and its children; those that end meanwhile are left out."""
    yield pid
    for children in (PROC / str(pid) / "task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            for child in children.read_text().split():
                yield from _family(int(child))


def _sockets(pid: int) -> Iterator[str]:
    with suppress(FileNotFoundError, ProcessLookupError):
        for descriptor in (PROC / str(pid) / "fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                if match := re.fullmatch(r"socket:\[(\d+)\]", str(descriptor.readlink())):
                    yield match[1]


def _address(text: str, family: socket.AddressFamily) -> str:
    """Return the address; the kernel writes four-byte words in the machine's order."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    return socket.inet_ntop(family, struct.pack(f"={len(words)}I", *words))
