"""The memory that all pictures in hand may use together, counted in pixels."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from backend.engine import Watch

POLL_SECONDS = 0.2
SMALL_SHARE = 64
"""A picture of at most this part of the budget is small."""
RESERVED_SHARE = 16
"""The part set aside, on top of the budget, for small pictures, and for first looks as well."""


class PixelBudget:
    """A shared budget; callers wait in order of arrival until their share is free.

    Small pictures have a budget of their own, so that they never wait for a very large one, and
    first looks have one, so that they wait for no picture at all.
    """

    def __init__(self, total: int) -> None:
        self._small = _Budget(total // RESERVED_SHARE)
        self._large = _Budget(total)
        self._first_looks = _Budget(total // RESERVED_SHARE)
        self._largest_small = total // SMALL_SHARE

    def hold(
        self,
        amount: int,
        watch: Watch,
        *,
        is_first_look: bool = False,
        on_wait: Callable[[], None] = lambda: None,
    ) -> AbstractContextManager[None]:
        """Hold so many pixels, at most the total; raise as `Watch.check` does while waiting.

        `on_wait` is called once if it has to wait.
        """
        budget = self._small if amount <= self._largest_small else self._large
        if is_first_look:
            budget = self._first_looks
        return budget.hold(min(amount, budget.total), watch, on_wait=on_wait)


class _Budget:
    def __init__(self, total: int) -> None:
        self.total = self._left = total
        self._queue: list[object] = []
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, amount: int, watch: Watch, *, on_wait: Callable[[], None]) -> Iterator[None]:
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            try:
                if not self._is_free(ticket, amount):
                    on_wait()
                while not self._is_free(ticket, amount):
                    watch.check()
                    self._changed.wait(POLL_SECONDS)
                self._left -= amount
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._left += amount
                self._changed.notify_all()

    def _is_free(self, ticket: object, amount: int) -> bool:
        return self._queue[0] is ticket and self._left >= amount
