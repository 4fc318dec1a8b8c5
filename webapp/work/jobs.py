"""The work of all visitors: equal requests are one job, and abandoned work stops.

This module knows neither Streamlit nor pictures. A job's work runs in one of a few threads; pages
hold the job, a handle, and ask for its state, which `Jobs` alone owns. Visitors are served in
turn: whoever has more jobs in the queue does not delay those who have one.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import Enum

from backend.engine import Watch
from backend.errors import BusyError, CancelledError, SuperResolutionError

log = logging.getLogger("webapp.jobs")


class Phase(Enum):
    WAITING = "waiting"
    RUNNING = "running"
    FINISHING = "finishing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """True if nothing will change any more."""
        return self in (Phase.DONE, Phase.FAILED, Phase.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class State:
    """The state of a job, for the page."""

    phase: Phase
    ahead: int = 0
    """Jobs that are served before this one, while it waits."""
    done: int = 0
    total: int = 0
    """Steps of the work; 0 until it is known."""
    elapsed: float = 0.0
    """Seconds since its work began."""
    first: float = 0.0
    """Seconds until the first step was done, which may have waited for its turn."""
    stepping: float = 0.0
    """Seconds since the last step was done."""
    finishing: float = 0.0
    """Seconds since the result is being saved."""
    error: SuperResolutionError | None = None


Work = Callable[[Watch], None]
"""Does the work, reports to its watch, stores the result, or raises SuperResolutionError."""


class Job:
    """One piece of work that was submitted; a handle, as Future is, which `Jobs` alone changes."""

    def __init__(self, key: Hashable, work: Work, jobs: Jobs) -> None:
        self.key = key
        self.work: Work | None = work
        self.phase = Phase.WAITING
        self.steps = (0, 0)
        self.began: float | None = None
        self.first: float | None = None
        self.stepped: float | None = None
        self.finishing_since: float | None = None
        self.error: SuperResolutionError | None = None
        self.visitors: set[str] = set()
        self.over = threading.Event()
        self._jobs = jobs

    @property
    def state(self) -> State:
        return self._jobs.state(self)

    def wait(self, seconds: float) -> bool:
        """Wait for the job and return whether it ended in time."""
        return self.over.wait(seconds)

    def release(self, *, visitor: str) -> None:
        """End the visitor's wait; a job without visitors is cancelled."""
        self._jobs.release(self, visitor=visitor)


class Jobs:
    """A bounded queue and the threads that serve it; one for the whole process."""

    def __init__(
        self,
        *,
        max_running: int,
        max_queued: int,
        is_present: Callable[[str], bool],
        noun: str = "job",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`is_present` says whether a visitor is waited for; `noun` is what the log calls a job."""
        self._noun = noun
        self._max_running = max_running
        self._max_queued = max_queued
        self._is_present = is_present
        self._clock = clock
        self._lock = threading.RLock()
        self._waiting: list[Job] = []
        self._running: list[Job] = []
        self._turns = 0
        self._served: dict[str, int] = {}
        """The turn in which each visitor's last job was begun."""

    def submit(self, key: Hashable, work: Work, *, visitor: str) -> Job:
        """Join the job for `key` or make one; raise BusyError if the queue is full.

        The visitor keeps the jobs submitted before.
        """
        with self._lock:
            self._drop_deserted()
            job = self._find(key)
            if job is None:
                is_free = len(self._running) < self._max_running
                if not is_free and len(self._waiting) >= self._max_queued:
                    raise BusyError(seconds=2.0 * (1 + len(self._waiting)))
                job = Job(key, work, self)
                self._waiting.append(job)
            job.visitors.add(visitor)
            if len(self._running) < self._max_running:
                self._start_next()
            return job

    def release(self, job: Job, *, visitor: str) -> None:
        """See `Job.release`."""
        with self._lock:
            job.visitors.discard(visitor)
            self._drop_deserted()

    def stop(self) -> list[Job]:
        """Cancel all jobs, later ones too, and return those that end after their present step."""
        with self._lock:
            self._is_present = _is_nobody_present
            self._drop_deserted()
            return list(self._running)

    def state(self, job: Job) -> State:
        """Return the state of a job that was submitted here."""
        with self._lock:
            now = self._clock()
            began, since = job.began, job.finishing_since
            stepped = job.stepped or began
            first = 0.0 if began is None or job.first is None else job.first - began
            return State(
                phase=job.phase,
                ahead=self._count_ahead(job),
                done=job.steps[0],
                total=job.steps[1],
                elapsed=0.0 if began is None else now - began,
                first=first,
                stepping=0.0 if stepped is None else now - stepped,
                finishing=0.0 if since is None else now - since,
                error=job.error,
            )

    def _find(self, key: Hashable) -> Job | None:
        """Find a job that can be joined, and was not told to stop."""
        for job in [*self._running, *self._waiting]:
            if job.key == key and not self._is_deserted(job):
                return job
        return None

    def _queue(self) -> list[Job]:
        """Return the waiting jobs in order of service: each visitor's first, then the second …

        Among equals the visitor who was served longest ago, or never, is next.
        """
        counts: dict[str, int] = {}
        ranks: dict[Job, int] = {}
        for job in self._waiting:
            ranks[job] = min((counts.get(each, 0) for each in job.visitors), default=0)
            for each in job.visitors:
                counts[each] = counts.get(each, 0) + 1

        def place(job: Job) -> tuple[int, int]:
            served = (self._served.get(each, 0) for each in job.visitors)
            return ranks[job], min(served, default=0)

        return sorted(self._waiting, key=place)

    def _remember_turn(self, job: Job) -> None:
        """Remember that the job's visitors were served, as long as they have others here."""
        self._turns += 1
        here = {each for found in [*self._running, *self._waiting] for each in found.visitors}
        served = self._served | dict.fromkeys(job.visitors, self._turns)
        self._served = {visitor: turn for visitor, turn in served.items() if visitor in here}

    def _count_ahead(self, job: Job) -> int:
        if job not in self._waiting:
            return 0
        return len(self._running) + self._queue().index(job)

    def _is_deserted(self, job: Job) -> bool:
        """Return whether no visitor is waited for any more."""
        job.visitors = {each for each in job.visitors if self._is_present(each)}
        return not job.visitors

    def _drop_deserted(self) -> None:
        for job in [each for each in self._waiting if self._is_deserted(each)]:
            self._waiting.remove(job)
            self._end(job, Phase.CANCELLED)

    def _start_next(self) -> None:
        """Start the next job in a free place; threads end when there is no work."""
        self._drop_deserted()
        if self._waiting:
            job = self._queue()[0]
            self._waiting.remove(job)
            self._running.append(job)
            self._remember_turn(job)
            job.phase, job.began = Phase.RUNNING, self._clock()
            threading.Thread(target=self._run, args=(job,), name="job", daemon=True).start()

    def _run(self, job: Job) -> None:
        work = job.work
        error: SuperResolutionError | None = None
        try:
            if work is not None:
                work(self._watch(job))
            phase = Phase.DONE
        except CancelledError:
            phase = Phase.CANCELLED
        except SuperResolutionError as exc:
            phase, error = Phase.FAILED, exc.with_traceback(None)
            # Its frames hold the job, its picture and its tab for as long as someone has the error.
            error.__cause__ = error.__context__ = None
        except Exception:
            # The last line of defence of a thread: the visitor must not wait for ever.
            log.exception("unexpected failure of a job")
            phase, error = Phase.FAILED, SuperResolutionError()
        del work
        with self._lock:
            self._running.remove(job)
            self._end(job, phase, error)
            self._start_next()

    def _watch(self, job: Job) -> Watch:
        def progress(done: int, total: int) -> None:
            with self._lock:
                job.steps, job.stepped = (done, total), self._clock()
                if done and job.first is None:
                    job.first = job.stepped

        def finishing() -> None:
            with self._lock:
                job.phase, job.finishing_since = Phase.FINISHING, self._clock()

        def is_cancelled() -> bool:
            with self._lock:
                return self._is_deserted(job)

        return Watch(on_progress=progress, on_finishing=finishing, is_cancelled=is_cancelled)

    def _end(self, job: Job, phase: Phase, error: SuperResolutionError | None = None) -> None:
        job.work, job.phase, job.error = None, phase, error
        job.over.set()
        seconds = 0.0 if job.began is None else self._clock() - job.began
        facts: dict[str, object] = {self._noun: phase.value, "seconds": round(seconds, 3)}
        if error is not None:
            facts["error"] = error.code
        log.info("%s", json.dumps(facts))


def _is_nobody_present(visitor: str) -> bool:  # noqa: ARG001
    return False
