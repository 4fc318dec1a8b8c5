"""Work in an abandonable thread: a request cannot be called back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from backend import SuperResolutionError

T = TypeVar("T")


def begin(work: Callable[[], T], *, on_end: Callable[[], None] = lambda: None) -> Future[T]:
    """Begin at once; an abandoned thread ends at its own time limits.

    The future raises SuperResolutionError alone: other exceptions go to the thread's hook, which
    logs them.
    """
    future: Future[T] = Future()

    def run() -> None:
        end: Callable[[], None] = partial(future.set_exception, SuperResolutionError())
        try:
            end = partial(future.set_result, work())
        except SuperResolutionError as exc:
            end = partial(future.set_exception, exc)
        finally:
            on_end()
            end()

    threading.Thread(target=run, name="call", daemon=True).start()
    return future
