"""The caller's side of the decoding process."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, TypeVar

from backend.errors import BusyError
from backend.images.picture import Picture, picture_from_planes
from backend.images.sandbox.limits import WALL_SECONDS
from backend.images.sandbox.picture_wire import values_from_message
from backend.images.sandbox.refusals import given_up, out_of_memory, too_costly
from backend.images.sandbox.start import start, stop, was_ended_from_outside
from backend.images.sandbox.wire import (
    NO_ROOM,
    PID_BYTES,
    Head,
    fates_from_lines,
    receive,
    send,
)
from backend.processes import costs_of

T = TypeVar("T")
ANSWER_SECONDS = WALL_SECONDS + 5
TRIES = 3
LOOK_SECONDS = 0.5
STILL_LOOKS = 6
"""Consecutive looks that find a process idle before it counts as hanging."""
FATE_SECONDS = 2.0
MOST_FATES = 100
ROOM_ERRORS = (errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC)


def is_supported() -> bool:
    """Return whether this system copies processes, hands over files, and keeps limits of memory."""
    return sys.platform == "linux" and hasattr(os, "fork") and hasattr(socket, "send_fds")


class LostError(Exception):
    """A failure to decode that is not the picture's fault."""


class DecodeProcess:
    """A decoder in another process; made once, shared by threads, and ended with its owner."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._former: _Worker | None = None
        with suppress(BusyError):  # each picture tries again
            self._running()

    def decode(self, data: bytes, *, max_side: int) -> Picture:
        """Decode as `picture.decode` does; raise ImageError if it costs too much.

        A process that hangs or was ended from outside is replaced, and the picture is tried again;
        BusyError if that does not help.
        """
        for _ in range(TRIES):
            worker = self._running()
            try:
                head, content = worker.ask(data, max_side=max_side)
            except LostError:
                continue
            return picture_from_planes(values_from_message(head, content))
        raise given_up()

    def close(self) -> None:
        """End the process; later calls start another."""
        with self._lock:
            for worker in (self._worker, self._former):
                if worker is not None:
                    worker.close()

    def _running(self) -> _Worker:
        """Return the process, started where there is none; raise BusyError if it cannot be."""
        with self._lock:
            if self._worker is None or self._worker.has_ended:
                try:
                    new = _Worker()
                except OSError as exc:
                    raise out_of_memory() from exc
                # Its number is not reused until the next one ends: others may ask how it ended.
                former, self._former, self._worker = self._former, self._worker, new
                if former is not None:
                    former.close()
            return self._worker


class _Worker:
    """One decoding process, with a copy of itself for each picture; safe to share by threads."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = start("worker", stdin=theirs.fileno())
            except OSError:
                self._control.close()
                raise
        self._fates = _Fates(self._control)
        self._hangs = False
        self.close = weakref.finalize(self, _stopped, self._control, self._process)

    @property
    def has_ended(self) -> bool:
        return self._hangs or not self.close.alive or self._process.poll() is not None

    def ask(self, data: bytes, *, max_side: int) -> tuple[Head, memoryview]:
        """Return the answer to a picture; raise ImageError if it costs too much, or LostError."""
        ours, theirs = socket.socketpair()
        with ours:
            ours.settimeout(LOOK_SECONDS)
            try:
                with theirs:
                    socket.send_fds(self._control, [b"."], [theirs.fileno()])
                send(ours, {"max_side": max_side}, [data])
            except OSError as exc:
                if exc.errno in ROOM_ERRORS:
                    raise out_of_memory() from exc
                raise LostError from exc
            number = self._when_there(ours, self._process.pid, lambda each: each.recv(PID_BYTES))
            copy = int.from_bytes(number, "big")
            if not copy:
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(LOOK_SECONDS)
                raise LostError
            answer = self._when_there(ours, copy, receive)
        if answer is None:
            self._explain(copy)
        return answer

    def _when_there(
        self, ours: socket.socket, number: int, read: Callable[[socket.socket], T]
    ) -> T:
        """Read as soon as there is data or the other side has ended.

        If the process `number` does nothing meanwhile, end all processes and raise LostError.
        """
        end = time.monotonic() + ANSWER_SECONDS
        still, before = 0, -1.0
        while not _is_readable(ours):
            now = costs_of(number)
            is_still = now is not None and not now.is_active and now.seconds == before
            still, before = (still + 1 if is_still else 0), -1.0 if now is None else now.seconds
            if still >= STILL_LOOKS or time.monotonic() > end:
                self._hangs = True
                self._process.kill()  # the copies end with it
                raise LostError
        try:
            return read(ours)
        except OSError as exc:
            raise LostError from exc

    def _explain(self, copy: int) -> NoReturn:
        """Raise the error for a copy that ended without an answer."""
        fate = self._fate_of(copy)
        if fate is None or was_ended_from_outside(os.waitstatus_to_exitcode(fate)):
            raise LostError
        if os.WIFEXITED(fate) and os.WEXITSTATUS(fate) == NO_ROOM:
            raise out_of_memory()
        raise too_costly()

    def _fate_of(self, copy: int) -> int | None:
        """Return the status with which a copy ended, or None when the process does not tell."""
        end = time.monotonic() + FATE_SECONDS
        while time.monotonic() < end and not self.has_ended:
            fate = self._fates.take(copy)
            if fate is not None:
                return fate
            time.sleep(FATE_SECONDS / 100)
        return None


class _Fates:
    """The statuses with which copies ended, as their process tells them; safe to share."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._lock = threading.Lock()
        self._told: dict[int, int] = {}
        self._unread = b""

    def take(self, copy: int) -> int | None:
        """Return the status of a copy, and forget it; None while it is not told."""
        with self._lock:
            with suppress(BlockingIOError):
                self._unread += self._control.recv(2**16, socket.MSG_DONTWAIT)
            lines, _, self._unread = self._unread.rpartition(b"\n")
            self._told.update(fates_from_lines(lines))
            fate = self._told.pop(copy, None)
            while len(self._told) > MOST_FATES:
                self._told.pop(next(iter(self._told)))
            return fate


def _is_readable(connection: socket.socket) -> bool:
    """Wait for data or the end of the other side, `LOOK_SECONDS` at most."""
    try:
        connection.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return False
    except OSError:
        return True  # the read will report it
    return True


def _stopped(control: socket.socket, process: subprocess.Popen[bytes]) -> None:
    control.close()
    stop(process)
