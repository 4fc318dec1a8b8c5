"""Networks that are loaded on first use and kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from backend.inference.upscaler import Session
from backend.models.manifest import ModelSpec

KEPT_BLENDS = 4
"""Number of kept sessions of models that differ only in `detail`."""


class Sessions:
    """Made once a process; may be used by several threads."""

    def __init__(self, open_session: Callable[[ModelSpec], Session]) -> None:
        self._open = open_session
        self._sessions: OrderedDict[tuple[str, int, int | None], Session] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, spec: ModelSpec) -> Session:
        """Return the session, opened on first use; raise ModelError if it cannot be."""
        key = (spec.name, spec.scale, spec.detail)
        with self._lock:
            if key not in self._sessions:
                self._sessions[key] = self._open(spec)
            self._sessions.move_to_end(key)
            blends = [each for each in self._sessions if each[2] is not None]
            for old in blends[:-KEPT_BLENDS]:
                del self._sessions[old]
            return self._sessions[key]
