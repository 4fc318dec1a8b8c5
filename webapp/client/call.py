"""Work in a thread of its own that can be abandoned: a request cannot be called back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from backend import SuperResolutionError

T = TypeVar("T")


class Call(Generic[T]):
    """Begins at once; a thread that is abandoned ends when its own time limits do."""

    def __init__(self, work: Callable[[], T], *, on_end: Callable[[], None] | None = None) -> None:
        self._work = work
        self._on_end = on_end
        self._over = threading.Event()
        self._results: list[T] = []
        self._error: SuperResolutionError | None = None
        threading.Thread(target=self._run, name="call", daemon=True).start()

    @property
    def error(self) -> SuperResolutionError | None:
        """Why there is no result, as far as that is known by now."""
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
        # What is no SuperResolutionError goes on to the thread's own hook, which logs it.
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
