"""Finished pictures, kept as files within a bound of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Knows its weight."""

    @property
    def nbytes(self) -> int: ...


T = TypeVar("T", bound=Sized)


class Results(Generic[T]):
    """The least recently used go first; the newest stays, even when it alone is over the bound."""

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, T] = OrderedDict()

    @property
    def nbytes(self) -> int:
        """All that is kept."""
        with self._lock:
            return self._total()

    def put(self, key: Hashable, result: T) -> None:
        """Keep a result, in place of an older one of the same key."""
        with self._lock:
            self._kept[key] = result
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and self._total() > self._max_bytes:
                self._kept.popitem(last=False)

    def get(self, key: Hashable) -> T | None:
        """The result, unless there is none or it had to make room."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _total(self) -> int:
        return sum(result.nbytes for result in self._kept.values())
