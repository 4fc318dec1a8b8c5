"""Memory of finished pictures, given back to the system.

ONNX Runtime's own arena keeps its peak. Without it the C library decides: by default it returns
every tile's buffers to the system and asks for them again, which costs a sixth of the time; told to
keep them, it is as fast as the arena, and gives everything back when asked. Only glibc has these
calls; elsewhere nothing happens.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Constants of <malloc.h>."""
LARGEST_BLOCK = 2**30
NEVER = 2**31 - 1


@cache
def keep_freed_memory() -> None:
    """Keep freed memory in the process until `give_back_memory` is called.

    A thread that was started before may have an arena of its own, which keeps its memory.
    """
    libc = _glibc()
    if libc is not None:
        libc.mallopt(M_MMAP_THRESHOLD, LARGEST_BLOCK)
        libc.mallopt(M_TRIM_THRESHOLD, NEVER)
        libc.mallopt(M_ARENA_MAX, 1)  # large blocks belong to the main arena only


def gives_back_memory() -> bool:
    """Return whether `give_back_memory` does anything here."""
    return _glibc() is not None


def give_back_memory() -> None:
    """Return all free memory to the system."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


@cache
def _glibc() -> Any:
    """Load the C library if it is glibc."""
    try:
        libc = ctypes.CDLL(None)
        return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
    except (OSError, TypeError):  # where a program's own names cannot be opened
        return None
