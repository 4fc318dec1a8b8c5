"""Messages between the two processes: a line of JSON, and bytes in memory that both see.

Not pickled: the decoding process is the one that a hostile file might take over, and its answers
are only ever read as numbers and pixels.
"""

from __future__ import annotations

import json
import mmap
import os
import socket
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress

from backend.posix import seal_length

MAX_HEAD_BYTES = 4096
PID_BYTES = 4
"""The length of a copy's first message: its process id."""
NO_ROOM = 4
"""The exit code of a copy that could not write its answer."""
Head = Mapping[str, object]


def send(connection: socket.socket, head: Head, contents: Iterable[bytes | memoryview]) -> None:
    """Send the head, and the contents one after the other in one block of shared memory."""
    block = _shared_memory()
    try:
        for content in contents:
            _write(block, memoryview(content).cast("B"))
        socket.send_fds(connection, [json.dumps(head).encode()], [block])
    finally:
        os.close(block)


def receive(connection: socket.socket) -> tuple[Head, memoryview] | None:
    """Return the message, or None if the other side ended without a message."""
    with suppress(ConnectionError):
        line, blocks, _, _ = socket.recv_fds(connection, MAX_HEAD_BYTES, 1)
        if line and blocks:
            try:
                return json.loads(line), _mapped(blocks[0])
            finally:
                os.close(blocks[0])
    return None


def fate_line(number: int, status: int) -> bytes:
    """Return the line that says with which status a copy ended."""
    return f"{number} {status}\n".encode()


def fates_from_lines(lines: bytes) -> dict[int, int]:
    """Return the exit statuses by process id; malformed lines are ignored."""
    words = [line.split() for line in lines.split(b"\n")]
    return {int(each[0]): int(each[1]) for each in words if len(each) == 2 and _are_numbers(each)}


def _are_numbers(words: list[bytes]) -> bool:
    return all(len(each) < 12 and each.isdigit() for each in words)


def _shared_memory() -> int:
    """Return a nameless file in memory; on systems without them, a deleted file on the disk."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("picture", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _write(block: int, content: memoryview) -> None:
    while content:
        content = content[os.write(block, content) :]


def _mapped(block: int) -> memoryview:
    """Map the file as private pages; a file that is shortened would kill its reader."""
    seal_length(block)
    length = os.fstat(block).st_size
    if length == 0:
        return memoryview(b"")
    return memoryview(mmap.mmap(block, length, access=mmap.ACCESS_COPY))
