"""The work of all visitors: equal wishes are one job, and what nobody waits for any more stops.

This module knows neither Streamlit nor pictures. A job's work runs in one of a few threads; pages
hold the job and look at its state.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import Enum

from backend.errors import BusyError, CancelledError, SuperResolutionError

log = logging.getLogger("webapp.jobs")

GRACE_SECONDS = 10.0
"""A tab that lost its connection may come back within this time."""


class Phase(Enum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHING = "finishing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Nothing will change any more."""
        return self in (Phase.DONE, Phase.FAILED, Phase.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class State:
    """What a page can show of a job."""

    phase: Phase
    ahead: int = 0
    """Jobs that are served before this one, while it waits."""
    done: int = 0
    total: int = 0
    """Steps of the work; 0 until it is known."""
    elapsed: float = 0.0
    """Seconds since its work began."""
    error: SuperResolutionError | None = None


class Job:
    """One piece of work and the visitors who wait for it; made by `Jobs`."""

    def __init__(self, key: Hashable, work: Work, jobs: Jobs) -> None:
        self.key = key
        self._work: Work | None = work
        self._jobs = jobs
        self._visitors: dict[str, float] = {}
        self._phase = Phase.WAITING
        self._steps = (0, 0)
        self._began: float | None = None
        self._error: SuperResolutionError | None = None
        self._over = threading.Event()

    @property
    def state(self) -> State:
        """Just now."""
        with self._jobs._lock:
            began = self._began
            return State(
                phase=self._phase,
                ahead=self._jobs._ahead_of(self),
                done=self._steps[0],
                total=self._steps[1],
                elapsed=0.0 if began is None else self._jobs._clock() - began,
                error=self._error,
            )

    def wait(self, seconds: float) -> bool:
        """Whether the job was over within the time."""
        return self._over.wait(seconds)

    # What the work itself calls.

    def report(self, done: int, total: int) -> None:
        """So many steps of so many are done."""
        with self._jobs._lock:
            self._steps = (done, total)

    def finishing(self) -> None:
        """The steps are done and what is left takes an unknown, short time."""
        with self._jobs._lock:
            self._phase = Phase.FINISHING

    def is_cancelled(self) -> bool:
        """Whether nobody waits for this job any more."""
        with self._jobs._lock:
            return self._jobs._is_deserted(self)


Work = Callable[[Job], None]
"""Does the work, tells its job how far it is, stores the result, or raises SuperResolutionError."""


class Jobs:
    """A bounded queue and the threads that serve it; one for the whole process."""

    def __init__(
        self,
        *,
        max_running: int,
        max_queued: int,
        is_present: Callable[[str], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_running = max_running
        self._max_queued = max_queued
        self._is_present = is_present
        self._clock = clock
        self._lock = threading.RLock()
        self._waiting: deque[Job] = deque()
        self._running: list[Job] = []

    def submit(self, key: Hashable, work: Work, *, visitor: str) -> Job:
        """The job for `key`: the one under way, else a new one; BusyError when the queue is full.

        The visitor stops waiting for any other job.
        """
        with self._lock:
            self._drop_deserted()
            job = self._find(key)
            if job is None:
                self.keep_only(None, visitor=visitor)
                if (
                    len(self._running) >= self._max_running
                    and len(self._waiting) >= self._max_queued
                ):
                    raise BusyError.for_seconds(2.0 * (1 + len(self._waiting)))
                job = Job(key, work, self)
                self._waiting.append(job)
            job._visitors[visitor] = self._clock()
            self.keep_only(job, visitor=visitor)
            if len(self._running) < self._max_running:
                self._start_next()
            return job

    def keep_only(self, job: Job | None, *, visitor: str) -> None:
        """The visitor waits for no job but this one; a job without visitors is cancelled."""
        with self._lock:
            for each in [*self._waiting, *self._running]:
                if each is not job:
                    each._visitors.pop(visitor, None)
            self._drop_deserted()

    def _find(self, key: Hashable) -> Job | None:
        """A job that can be joined: one that was told to stop is left to itself."""
        for job in [*self._running, *self._waiting]:
            if job.key == key and not self._is_deserted(job):
                return job
        return None

    def _ahead_of(self, job: Job) -> int:
        if job not in self._waiting:
            return 0
        return len(self._running) + self._waiting.index(job)

    def _is_deserted(self, job: Job) -> bool:
        """No visitor is there, nor was within the grace."""
        now = self._clock()
        for visitor in list(job._visitors):
            if self._is_present(visitor):
                job._visitors[visitor] = now
            elif now - job._visitors[visitor] > GRACE_SECONDS:
                del job._visitors[visitor]
        return not job._visitors

    def _drop_deserted(self) -> None:
        for job in [each for each in self._waiting if self._is_deserted(each)]:
            self._waiting.remove(job)
            self._end(job, Phase.CANCELLED)

    def _start_next(self) -> None:
        """Called with a free place; a thread lives as long as there is work."""
        self._drop_deserted()
        if self._waiting:
            job = self._waiting.popleft()
            self._running.append(job)
            job._phase = Phase.RUNNING
            job._began = self._clock()
            threading.Thread(target=self._run, args=(job,), name="job", daemon=True).start()

    def _run(self, job: Job) -> None:
        work, job._work = job._work, None
        error: SuperResolutionError | None = None
        try:
            if work is not None:
                work(job)
            phase = Phase.DONE
        except CancelledError:
            phase = Phase.CANCELLED
        except SuperResolutionError as exc:
            phase, error = Phase.FAILED, exc
        except Exception:
            # A thread's last line of defence: the visitor must not wait for ever.
            log.exception("unexpected failure of a job")
            phase, error = Phase.FAILED, SuperResolutionError()
        with self._lock:
            self._running.remove(job)
            self._end(job, phase, error)
            self._start_next()

    def _end(self, job: Job, phase: Phase, error: SuperResolutionError | None = None) -> None:
        job._work = None
        job._phase = phase
        job._error = error
        job._over.set()
        seconds = 0.0 if job._began is None else self._clock() - job._began
        facts = {"job": phase.value, "seconds": round(seconds, 3)}
        if error is not None:
            facts["error"] = error.code
        log.info("%s", json.dumps(facts))
