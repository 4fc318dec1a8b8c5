"""A deadline for work, whatever the other side does."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")
CHECK_SECONDS = 0.2

THREAD_NAME = "deadline"
"""Name of the threads whose work may be abandoned."""
_SHORTEST_TIMEOUT = 0.001  # a socket timeout of 0 would mean "do not block"


class DeadlineExceededError(TimeoutError):
    """The deadline has passed; the code that set it translates this error."""


def begin(job: Callable[[], T]) -> Future[T]:
    """Begin a job in a thread of its own, which may be abandoned."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            result = job()
        except BaseException as exc:  # noqa: BLE001 - handed to the caller, who raises it
            future.set_exception(exc)
        else:
            future.set_result(result)

    # A daemon, so that a resolver that hangs cannot keep the process from stopping.
    threading.Thread(target=work, name=THREAD_NAME, daemon=True).start()
    return future


class Deadline:
    """Counts from its making; `run` ends at it even inside a call that has no timeout.

    Socket timeouts alone do not bound a fetch: name resolution has none, and a peer that sends
    one byte now and then restarts them again and again. So the work runs in a thread of its own,
    its connections are shut down from outside at the deadline (which ends the blocked read, and
    with it the thread), and a name resolution still under way is left to end on its own.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._held: list[socket.socket] = []
        self._is_over = False

    @property
    def seconds_left(self) -> float:
        """Seconds left; negative when it has passed."""
        return self._end - time.monotonic()

    @property
    def timeout(self) -> float:
        """Seconds left, but always above 0, so that it is a valid socket timeout."""
        return max(self.seconds_left, _SHORTEST_TIMEOUT)

    def check(self) -> None:
        """Raise DeadlineExceededError if it has passed; called between the steps of a long read."""
        if self.seconds_left <= 0:
            raise DeadlineExceededError

    def hold(self, connection: socket.socket) -> socket.socket:
        """Register a new connection, to be shut down at the deadline; return the same one.

        A duplicate is kept because TLS takes the original socket's handle away.
        """
        with self._lock:
            if self._is_over:
                connection.close()
                raise DeadlineExceededError("given up before it connected")
            self._held.append(connection.dup())
        return connection

    def run(self, job: Callable[[], T], *, check: Callable[[], None] = lambda: None) -> T:
        """Return the job's result or raise its exception, or DeadlineExceededError at the deadline.

        `check` is called now and then, and ends the job by raising.
        """
        future = begin(job)
        try:
            while not wait([future], timeout=min(self.timeout, CHECK_SECONDS)).done:
                check()
                self.check()
            if self.seconds_left <= 0 and future.exception():
                raise DeadlineExceededError
            return future.result()
        finally:
            self._shut_down()

    def _shut_down(self) -> None:
        with self._lock:
            self._is_over = True
            held, self._held = self._held, []
        for connection in held:
            # The other side, or the work itself, may have closed it first.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
