"""The caller's side where processes cannot be copied: one is started for each picture.

Windows has neither `fork` nor the kernel's limits on a process, and macOS keeps no limit of
memory. There the caller looks at the process many times a second and ends it when it has cost
more than its picture may.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from backend.errors import BusyError
from backend.images.picture import Picture, picture_from_planes
from backend.images.sandbox.limits import WALL_SECONDS, more_bytes, processor_seconds
from backend.images.sandbox.picture_wire import values_from_message
from backend.images.sandbox.refusals import given_up, out_of_memory, too_costly
from backend.images.sandbox.start import end, start, was_ended_from_outside
from backend.images.sandbox.wire import MAX_HEAD_BYTES, Head
from backend.processes import Costs, costs_of

LOOK_SECONDS = 0.05
FATE_SECONDS = 2.0
BYTES_PER_ANSWERED_PIXEL = 4
MOST_METADATA_BYTES = 64 * 2**20
"""The largest profile and EXIF that an answer may hold beside its pixels."""


class SpawnedDecoder:
    """A decoder that is made once a process and shared by its threads.

    No process reads two pictures. The next one is started when a picture is handed over, and has
    loaded the decoders when it is needed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[subprocess.Popen[bytes]] = []
        self._stop = weakref.finalize(self, _end_all, self._waiting)

    def decode(self, data: bytes, *, max_side: int) -> Picture:
        """Decode as `picture.decode` does; raise ImageError if the file costs too much."""
        answer = self._answer(data, max_side=max_side)
        if answer is None:
            raise too_costly()
        return picture_from_planes(values_from_message(*answer))

    def close(self) -> None:
        """End the waiting process; later calls start another."""
        with self._lock:
            _end_all(self._waiting)

    def _answer(self, data: bytes, *, max_side: int) -> tuple[Head, memoryview] | None:
        for process in self._processes():
            with process, _bounded(process) as bounds:
                assert process.stdin is not None and process.stdout is not None
                request = json.dumps({"max_side": max_side, "length": len(data)})
                try:
                    process.stdin.write(request.encode() + b"\n")
                    process.stdin.write(data)
                    process.stdin.flush()
                except OSError:
                    with suppress(OSError):
                        process.stdin.close()
                answer = _read(process.stdout, bounds, max_pixels=max_side**2)
                if answer is not None or bounds.were_passed or not _was_lost(process):
                    return answer
        raise given_up()

    def _processes(self) -> Iterator[subprocess.Popen[bytes]]:
        """Yield a waiting process, if any, or a new one; raise BusyError if none can be started."""
        with self._lock:
            waiting = self._waiting[:] or [_started()]
            self._waiting.clear()
            with suppress(BusyError):  # the next picture tries again
                self._waiting.append(_started())
        yield from waiting
        yield _started()


class _Bounds:
    """The bounds of one picture, and whether they were passed."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.pixels = 0
        self.were_passed = False
        self._process = process
        self._until = time.monotonic() + WALL_SECONDS
        self._before = costs_of(process.pid) or Costs()

    def look(self) -> bool:
        """End the process if it has cost too much; return whether it was ended."""
        now = costs_of(self._process.pid) or self._before
        self.were_passed = (
            time.monotonic() > self._until
            or now.seconds - self._before.seconds > processor_seconds(self.pixels)
            or now.nbytes - self._before.nbytes > more_bytes(self.pixels)
        )
        if self.were_passed:
            end(self._process)
        return self.were_passed


@contextmanager
def _bounded(process: subprocess.Popen[bytes]) -> Iterator[_Bounds]:
    """Look at the process's costs until the block is left, and end it then."""
    done = threading.Event()
    bounds = _Bounds(process)

    def watch() -> None:
        while not done.wait(LOOK_SECONDS) and not bounds.look():
            pass

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield bounds
    finally:
        done.set()
        watcher.join()
        end(process)


def _read(stream: IO[bytes], bounds: _Bounds, *, max_pixels: int) -> tuple[Head, memoryview] | None:
    """Return the process's picture or error; None if its message is incomplete."""
    with suppress(OSError, ValueError, KeyError):
        head = _head(stream)
        if "pixels" in head:
            bounds.pixels = min(int(str(head["pixels"])), max_pixels)
            head = _head(stream)
        length = int(str(head["length"]))
        most = bounds.pixels * BYTES_PER_ANSWERED_PIXEL + MOST_METADATA_BYTES
        content = bytearray(length if 0 <= length <= most else 0)
        if stream.readinto(content) == length:  # type: ignore[attr-defined]  # it is buffered
            return head, memoryview(content)
    return None


def _was_lost(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process that gave no answer was ended by something else than its picture."""
    try:
        return was_ended_from_outside(process.wait(FATE_SECONDS))
    except subprocess.TimeoutExpired:
        return False


def _head(stream: IO[bytes]) -> dict[str, object]:
    """Read a line of JSON; ValueError for anything else."""
    head = json.loads(stream.readline(MAX_HEAD_BYTES))
    if not isinstance(head, dict):
        raise ValueError("not a JSON object")
    return head


def _started() -> subprocess.Popen[bytes]:
    try:
        return start("spawned_worker", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    except OSError as exc:
        raise out_of_memory() from exc


def _end_all(processes: list[subprocess.Popen[bytes]]) -> None:
    while processes:
        with processes.pop() as process:
            end(process)
