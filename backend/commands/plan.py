"""The pictures of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from tempfile import TemporaryFile

from backend.bulk.store import Item


class Plan:
    """Items that are counted before the first is used.

    They are in a temporary file, because a million of them would not fit into a small machine.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - closed by `close`
        self.total = 0
        for item in items:
            self._file.write(json.dumps([item.key, item.version, item.problem]).encode() + b"\n")
            self.total += 1

    def __iter__(self) -> Iterator[Item]:
        """Yield the items; only one iteration at a time is possible."""
        self._file.seek(0)
        for line in self._file:
            yield Item(*json.loads(line))

    def close(self) -> None:
        """Delete the file."""
        self._file.close()
