"""The caller's side of the decoding process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import weakref
from contextlib import suppress

from backend.images.picture import Picture, picture_from_planes
from backend.images.sandbox.limits import WALL_SECONDS
from backend.images.sandbox.picture_wire import values_from_message
from backend.images.sandbox.refusals import out_of_memory, too_costly
from backend.images.sandbox.start import start, stop
from backend.images.sandbox.wire import Head, receive, send

ANSWER_SECONDS = WALL_SECONDS + 5


def is_supported() -> bool:
    """Whether this system copies processes, hands over open files, and keeps limits of memory."""
    return sys.platform == "linux" and hasattr(os, "fork") and hasattr(socket, "send_fds")


class DecodeProcess:
    """Decodes elsewhere; made once a process, shared by its threads, and ended with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control, self._process = _started()
        self._stop = weakref.finalize(self, _stopped, self._control, self._process)

    def decode(self, data: bytes, *, max_side: int) -> Picture:
        """As `images.decode`; ImageError too for a file that costs more than any good one."""
        answer = self._answer(data, max_side=max_side)
        if answer is None and self._process.poll() is not None:
            answer = self._answer(data, max_side=max_side)  # not the picture's fault
        if answer is None:
            raise too_costly()
        return picture_from_planes(values_from_message(*answer))

    def _answer(self, data: bytes, *, max_side: int) -> tuple[Head, memoryview] | None:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._hand_over(theirs)
            ours.settimeout(ANSWER_SECONDS)
            with suppress(OSError):
                send(ours, {"max_side": max_side}, [data])
                return receive(ours)
        return None

    def close(self) -> None:
        """Ends the process; later calls start another."""
        with self._lock:
            self._stop()

    def _hand_over(self, connection: socket.socket) -> None:
        """BusyError when there is no process and none can be started."""
        with self._lock:
            for _ in range(2):
                with suppress(OSError):
                    socket.send_fds(self._control, [b"."], [connection.fileno()])
                    return
                self._stop()
                try:
                    self._control, self._process = _started()
                except OSError as exc:
                    raise out_of_memory() from exc
                self._stop = weakref.finalize(self, _stopped, self._control, self._process)
        raise out_of_memory()


def _started() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    ours, theirs = socket.socketpair()
    with theirs:
        process = start("worker", stdin=theirs.fileno())
    return ours, process


def _stopped(control: socket.socket, process: subprocess.Popen[bytes]) -> None:
    control.close()
    stop(process)
