"""What the two processes say to each other: a line of JSON, and bytes in memory that both see.

Not pickled: the decoding process is the one that a hostile file might take over, and what it
answers is only ever read as numbers and pixels.
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
Head = Mapping[str, object]


def send(connection: socket.socket, head: Head, contents: Iterable[bytes | memoryview]) -> None:
    """The head, and the contents one after the other in one block of shared memory."""
    block = _shared_memory()
    try:
        for content in contents:
            _write(block, memoryview(content).cast("B"))
        socket.send_fds(connection, [json.dumps(head).encode()], [block])
    finally:
        os.close(block)


def receive(connection: socket.socket) -> tuple[Head, memoryview] | None:
    """None when the other side ended without a word; TimeoutError after the socket's time."""
    with suppress(ConnectionError):
        line, blocks, _, _ = socket.recv_fds(connection, MAX_HEAD_BYTES, 1)
        if line and blocks:
            try:
                return json.loads(line), _mapped(blocks[0])
            finally:
                os.close(blocks[0])
    return None


def _shared_memory() -> int:
    """A file without a name; on systems without files in memory, a deleted one on the disk."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("picture", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _write(block: int, content: memoryview) -> None:
    while content:
        content = content[os.write(block, content) :]


def _mapped(block: int) -> memoryview:
    """Private pages, of a file that cannot be made shorter any more: that would end the reader."""
    seal_length(block)
    length = os.fstat(block).st_size
    if length == 0:
        return memoryview(b"")
    return memoryview(mmap.mmap(block, length, access=mmap.ACCESS_COPY))
