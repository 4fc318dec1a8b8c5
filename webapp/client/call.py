"""Work in an abandonable thread: a request cannot be called back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from backend import SuperResolutionError

T = TypeVar("T")


class Call(Generic[T]):
    """Begins at once; an abandoned thread ends at its own time limits."""

    def __init__(self, work: Callable[[], T], *, on_end: Callable[[], None] | None = None) -> None:
        self._work = work
        self._on_end = on_end
        self._over = threading.Event()
        self._results: list[T] = []
        self._error: SuperResolutionError | None = None
        threading.Thread(target=self._run, name="call", daemon=True).start()

    @property
    def error(self) -> SuperResolutionError | None:
        """The reason why there is no result, as far as known."""
        return self._error if self._over.is_set() else None

    def wait(self, seconds: float) -> bool:
        """Wait for the end and return whether it came in time."""
        return self._over.wait(seconds)

    def result(self) -> T:
        """Return the result after the end; raise what the work raised."""
        self._over.wait()
        if self._error is not None:
            raise self._error
        return self._results[0]

    def _run(self) -> None:
        # Other exceptions than SuperResolutionError go to the thread's hook, which logs them.
        self._error = SuperResolutionError()
        try:
            self._results.append(self._work())
            self._error = None
        except SuperResolutionError as exc:
            self._error = exc
        finally:
            if self._on_end is not None:
                self._on_end()
            self._over.set()
