"""The protections that this system gives, in words; Linux gives more than others."""

from __future__ import annotations

from collections.abc import Iterator

from backend.images.sandbox.limits import WALL_SECONDS
from backend.images.sandbox.process import is_supported
from backend.images.sandbox.spawned import LOOK_SECONDS
from backend.inference.allocator import gives_back_memory
from backend.posix import max_open_files
from backend.processes import CAN_LOOK
from backend.settings import Settings

COPIED = "in a process of its own, ended by the kernel beyond its processor time or memory"
WATCHED = (
    f"in a process of its own, looked at every {LOOK_SECONDS:g} s and ended beyond its processor "
    "time or memory; limits of the kernel are used on Linux only"
)
TIMED = (
    f"in a process of its own, ended after {WALL_SECONDS:g} s; its memory has no bound, because "
    "psutil is missing"
)
GIVEN_BACK = "given back to the system after each picture"
KEPT = "left to the C library after each picture; only glibc can be asked to give it back"


def protections(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield a name and a sentence for each."""
    yield "decoding", COPIED if is_supported() else WATCHED if CAN_LOOK else TIMED
    yield "freed memory", GIVEN_BACK if gives_back_memory() else KEPT
    files = max_open_files()
    bound = "this system has no limit of open files" if files is None else f"{files} open files"
    yield "connections", f"at most {settings.max_connections}; {bound}"
