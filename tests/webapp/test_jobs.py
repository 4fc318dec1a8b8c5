"""The queue of the page, with real threads and work that waits until it is told to go on."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from weakref import ReferenceType, ref

import pytest

from backend.engine import Watch
from backend.errors import BusyError, CancelledError, ImageError
from webapp.work.jobs import Job, Jobs, Phase

SECONDS = 120.0
"""Seconds before a test fails."""


class Clock:
    """A clock that advances only when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Tabs:
    """The visitors who are waited for."""

    def __init__(self, *known: str) -> None:
        self.known = set(known)

    def __call__(self, visitor: str) -> bool:
        return visitor in self.known


class SteppedWork:
    """A job's work in steps; each is done when the test allows it."""

    def __init__(self, *, steps: int = 3) -> None:
        self.steps = steps
        self.runs = 0
        self.began = threading.Event()
        self.may_go_on = threading.Semaphore(0)
        self.stepped = threading.Semaphore(0)

    def __call__(self, watch: Watch) -> None:
        self.runs += 1
        self.began.set()
        for step in range(1, self.steps + 1):
            assert self.may_go_on.acquire(timeout=SECONDS)
            if watch.is_cancelled():
                raise CancelledError("Cancelled.")
            watch.on_progress(step, self.steps)
            self.stepped.release()

    def step(self) -> None:
        """Let one step happen and wait for it."""
        self.may_go_on.release()
        assert self.stepped.acquire(timeout=SECONDS)

    def run_on(self) -> None:
        """Let all remaining steps happen."""
        self.may_go_on.release(self.steps)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tabs() -> Tabs:
    return Tabs("ann", "bob", "cleo", "dora")


@pytest.fixture
def make(clock: Clock, tabs: Tabs) -> Callable[..., Jobs]:
    def make(*, max_running: int = 1, max_queued: int = 8) -> Jobs:
        return Jobs(max_running=max_running, max_queued=max_queued, is_present=tabs, clock=clock)

    return make


def finished(job: Job) -> Phase:
    assert job.wait(SECONDS), "the job did not end"
    return job.state.phase


def test_a_job_runs_and_is_done(make: Callable[..., Jobs]) -> None:
    results: list[str] = []

    job = make().submit("key", lambda watch: results.append("made"), visitor="ann")

    assert finished(job) is Phase.DONE
    assert results == ["made"]
    assert job.state.error is None


def test_six_equal_requests_are_one_job(make: Callable[..., Jobs]) -> None:
    jobs, work = make(), SteppedWork()

    submitted = [jobs.submit("key", work, visitor="ann") for _ in range(6)]
    work.run_on()

    assert len(set(submitted)) == 1
    assert finished(submitted[0]) is Phase.DONE
    assert work.runs == 1


def test_different_requests_are_different_jobs(make: Callable[..., Jobs]) -> None:
    jobs, first, second = make(), SteppedWork(), SteppedWork()

    one = jobs.submit("x2", first, visitor="ann")
    two = jobs.submit("x4", second, visitor="bob")
    first.run_on()
    second.run_on()

    assert one is not two
    assert (finished(one), finished(two)) == (Phase.DONE, Phase.DONE)
    assert (first.runs, second.runs) == (1, 1)


def test_progress_and_time_can_be_watched(make: Callable[..., Jobs], clock: Clock) -> None:
    work = SteppedWork(steps=4)
    job = make().submit("key", work, visitor="ann")

    clock.now += 3
    work.step()
    state = job.state
    clock.now += 2
    later = job.state
    work.run_on()

    assert (state.phase, state.done, state.total, state.elapsed) == (Phase.RUNNING, 1, 4, 3.0)
    assert (state.stepping, later.stepping, later.elapsed) == (0.0, 2.0, 5.0)
    assert finished(job) is Phase.DONE


def test_many_jobs_of_one_visitor_do_not_delay_a_later_one(
    make: Callable[..., Jobs],
) -> None:
    jobs, order = make(), list[str]()
    first = SteppedWork()
    running = jobs.submit("a0", first, visitor="ann")

    def submit(key: str, visitor: str) -> Job:
        return jobs.submit(key, lambda watch: order.append(key), visitor=visitor)

    queue = [submit(key, "ann") for key in ("a1", "a2", "a3")]
    queue += [submit(key, "bob") for key in ("b1", "b2")]
    queue.append(submit("c1", "cleo"))
    assert [job.state.ahead for job in queue] == [3, 5, 6, 1, 4, 2]
    first.run_on()

    assert [finished(job) for job in [running, *queue]] == [Phase.DONE] * 7
    assert order == ["b1", "c1", "a1", "b2", "a2", "a3"]


def test_a_waiting_job_knows_how_many_are_ahead(make: Callable[..., Jobs]) -> None:
    jobs, works = make(), [SteppedWork() for _ in range(3)]
    queue = [
        jobs.submit(str(number), work, visitor=visitor)
        for number, (work, visitor) in enumerate(zip(works, ["ann", "bob", "cleo"], strict=True))
    ]

    assert [job.state.ahead for job in queue] == [0, 1, 2]
    assert [job.state.phase for job in queue] == [Phase.RUNNING, Phase.WAITING, Phase.WAITING]
    for work in works:
        work.run_on()
    assert [finished(job) for job in queue] == [Phase.DONE] * 3


def test_as_many_jobs_run_at_a_time_as_allowed(make: Callable[..., Jobs]) -> None:
    jobs, works = make(max_running=2), [SteppedWork() for _ in range(3)]
    queue = [
        jobs.submit(str(number), works[number], visitor=visitor)
        for number, visitor in enumerate(["ann", "bob", "cleo"])
    ]

    assert [job.state.phase for job in queue] == [Phase.RUNNING, Phase.RUNNING, Phase.WAITING]
    for work in works:
        work.run_on()
    assert [finished(job) for job in queue] == [Phase.DONE] * 3


def test_a_full_queue_answers_busy_and_keeps_what_it_has(make: Callable[..., Jobs]) -> None:
    jobs, works = make(max_queued=1), [SteppedWork() for _ in range(3)]
    running = jobs.submit("a", works[0], visitor="ann")
    waiting = jobs.submit("b", works[1], visitor="bob")

    with pytest.raises(BusyError):
        jobs.submit("c", works[2], visitor="cleo")

    works[0].run_on()
    works[1].run_on()
    assert [finished(running), finished(waiting)] == [Phase.DONE] * 2
    assert works[2].runs == 0


def test_a_full_queue_still_lets_an_equal_request_join(make: Callable[..., Jobs]) -> None:
    jobs, work, waits = make(max_queued=1), SteppedWork(), SteppedWork()
    jobs.submit("a", work, visitor="ann")
    waiting = jobs.submit("b", waits, visitor="bob")

    assert jobs.submit("b", SteppedWork(), visitor="cleo") is waiting
    work.run_on()
    waits.run_on()
    assert finished(waiting) is Phase.DONE


def test_leaving_cancels_between_two_steps(make: Callable[..., Jobs]) -> None:
    jobs, work = make(), SteppedWork()
    job = jobs.submit("key", work, visitor="ann")
    work.step()

    jobs.release(job, visitor="ann")
    work.run_on()

    assert finished(job) is Phase.CANCELLED
    assert job.state.done == 1


def test_stopping_cancels_what_runs_waits_and_comes_later(make: Callable[..., Jobs]) -> None:
    jobs, work = make(), SteppedWork()
    running = jobs.submit("running", work, visitor="ann")
    waiting = jobs.submit("waiting", SteppedWork(), visitor="bob")
    work.step()

    assert jobs.stop() == [running]
    work.run_on()
    later = jobs.submit("later", SteppedWork(), visitor="ann")

    assert [finished(each) for each in (running, waiting, later)] == [Phase.CANCELLED] * 3
    assert running.state.done == 1


def test_a_shared_job_is_cancelled_only_when_both_left(make: Callable[..., Jobs]) -> None:
    jobs, work = make(), SteppedWork()
    job = jobs.submit("key", work, visitor="ann")
    assert jobs.submit("key", work, visitor="bob") is job

    jobs.release(job, visitor="ann")
    work.step()
    assert job.state.phase is Phase.RUNNING

    jobs.release(job, visitor="bob")
    work.run_on()
    assert finished(job) is Phase.CANCELLED


def test_a_forgotten_tab_cancels_its_job(make: Callable[..., Jobs], tabs: Tabs) -> None:
    work = SteppedWork()
    job = make().submit("key", work, visitor="ann")

    work.step()
    tabs.known.remove("ann")
    work.run_on()

    assert finished(job) is Phase.CANCELLED
    assert job.state.done == 1


def test_a_waiting_job_of_a_forgotten_tab_makes_room(make: Callable[..., Jobs], tabs: Tabs) -> None:
    jobs, work = make(max_queued=1), SteppedWork()
    jobs.submit("a", work, visitor="ann")
    left = jobs.submit("b", SteppedWork(), visitor="bob")
    tabs.known.remove("bob")

    newcomer = jobs.submit("c", lambda watch: None, visitor="cleo")

    assert left.state.phase is Phase.CANCELLED
    work.run_on()
    assert finished(newcomer) is Phase.DONE


def test_a_visitor_may_wait_for_several_jobs(make: Callable[..., Jobs]) -> None:
    jobs, works = make(), [SteppedWork() for _ in range(3)]
    queue = [jobs.submit(str(number), work, visitor="ann") for number, work in enumerate(works)]

    for work in works:
        work.run_on()

    assert [finished(job) for job in queue] == [Phase.DONE] * 3


def test_many_jobs_of_one_visitor_do_not_delay_the_first_of_another(
    make: Callable[..., Jobs],
) -> None:
    jobs, works = make(), [SteppedWork() for _ in range(5)]
    mine = [jobs.submit(str(number), works[number], visitor="ann") for number in range(4)]

    theirs = jobs.submit("theirs", works[4], visitor="bob")

    assert [job.state.ahead for job in mine] == [0, 2, 3, 4]
    assert theirs.state.ahead == 1
    for work in works:
        work.run_on()
    assert [finished(job) for job in [*mine, theirs]] == [Phase.DONE] * 5


def test_releasing_one_job_leaves_the_others(make: Callable[..., Jobs]) -> None:
    jobs, first, second = make(), SteppedWork(), SteppedWork()
    running = jobs.submit("a", first, visitor="ann")
    waiting = jobs.submit("b", second, visitor="ann")

    jobs.release(waiting, visitor="ann")
    first.run_on()

    assert finished(running) is Phase.DONE
    assert waiting.state.phase is Phase.CANCELLED


def test_a_job_that_was_told_to_stop_is_not_joined(make: Callable[..., Jobs]) -> None:
    jobs, work = make(), SteppedWork()
    stopping = jobs.submit("key", work, visitor="ann")
    assert work.began.wait(SECONDS)
    jobs.release(stopping, visitor="ann")

    again = jobs.submit("key", lambda watch: None, visitor="ann")
    work.run_on()

    assert again is not stopping
    assert (finished(stopping), finished(again)) == (Phase.CANCELLED, Phase.DONE)


def test_a_named_error_reaches_the_visitor_and_the_next_job_runs(
    make: Callable[..., Jobs],
) -> None:
    def fail(watch: Watch) -> None:
        raise ImageError("The picture is damaged.")

    jobs = make()
    failed = jobs.submit("a", fail, visitor="ann")
    assert finished(failed) is Phase.FAILED
    assert isinstance(failed.state.error, ImageError)

    assert finished(jobs.submit("b", lambda watch: None, visitor="ann")) is Phase.DONE


def test_a_failed_job_is_forgotten_with_all_that_its_work_had(make: Callable[..., Jobs]) -> None:
    class Picture:
        pass

    def submit(jobs: Jobs) -> ReferenceType[Picture]:
        picture = Picture()

        def fail(watch: Watch) -> None:
            assert isinstance(picture, Picture)
            try:
                raise OSError
            except OSError as exc:
                raise ImageError("The picture is damaged.") from exc

        failed = jobs.submit("a", fail, visitor="ann")
        assert finished(failed) is Phase.FAILED
        return ref(picture)

    jobs = make()
    picture = submit(jobs)
    assert finished(jobs.submit("b", lambda watch: None, visitor="ann")) is Phase.DONE
    gc.collect()

    assert picture() is None


def test_an_unexpected_error_says_nothing_of_the_inside(
    make: Callable[..., Jobs], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(watch: Watch) -> None:
        raise ZeroDivisionError("/secret/path")

    job = make().submit("key", fail, visitor="ann")

    assert finished(job) is Phase.FAILED
    error = job.state.error
    assert error is not None
    assert error.code == "internal_error"
    assert "secret" not in error.message
    assert "ZeroDivisionError" in caplog.text


def test_a_finished_request_can_be_submitted_anew(make: Callable[..., Jobs]) -> None:
    jobs = make()
    first = jobs.submit("key", lambda watch: None, visitor="ann")
    finished(first)

    second = jobs.submit("key", lambda watch: None, visitor="ann")

    assert second is not first
    assert finished(second) is Phase.DONE


def test_finishing_is_seen_and_timed(make: Callable[..., Jobs], clock: Clock) -> None:
    seen, may_end = threading.Event(), threading.Event()

    def work(watch: Watch) -> None:
        watch.on_finishing()
        seen.set()
        assert may_end.wait(SECONDS)

    job = make().submit("key", work, visitor="ann")
    assert seen.wait(SECONDS)
    clock.now += 2
    state = job.state
    may_end.set()

    assert (state.phase, state.finishing) == (Phase.FINISHING, 2)
    assert finished(job) is Phase.DONE
