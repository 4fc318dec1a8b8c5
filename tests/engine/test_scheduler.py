"""The order of turns at the networks, with the test's own clock and real threads."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise

import pytest

from backend.engine import Watch
from backend.errors import BusyError, CancelledError, DeadlineError
from backend.inference.scheduler import HOLD_SECONDS, PATIENCE_SECONDS, Scheduler, Work

SECONDS = 120


class Bench:
    """Works that take turns, by the test's clock.

    A turn ends when all others wait for theirs, so that the order is the scheduler's alone.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []
        self.scheduler = Scheduler(max_running=1, max_works=20, clock=lambda: self.now)
        self._stack = ExitStack()
        self._works: dict[str, Work] = {}
        self._left: Counter[str] = Counter()
        self._seconds: dict[str, float] = {}

    def add(
        self,
        name: str,
        tiles: int,
        *,
        visitor: str | None = None,
        is_first_look: bool = False,
        seconds: float = 1.0,
    ) -> None:
        """Add a work whose tiles take `seconds` each."""
        watch = Watch(visitor=visitor)
        work = self._stack.enter_context(self.scheduler.work(watch, is_first_look=is_first_look))
        work.seconds = float(tiles)
        self._works[name] = work
        self._left[name] = tiles
        self._seconds[name] = seconds

    def run(self) -> list[str]:
        """Return the names in the order of the turns."""
        threads = [
            threading.Thread(target=self._do, args=(name,), daemon=True) for name in self._works
        ]
        watch = Watch()  # a first look, which no other holds back
        with self.scheduler.work(watch, is_first_look=True) as holder, holder.turn():
            for thread in threads:
                thread.start()
            self._until_waiting(len(threads))
        for thread in threads:
            thread.join(SECONDS)
        self._stack.close()
        assert not self._left.total()
        return self.order

    def _do(self, name: str) -> None:
        tiles = self._left[name]
        for done in range(1, tiles + 1):
            with self._works[name].turn():
                others = [each for each in self._left if self._left[each] and each != name]
                self._until_waiting(len(others))
                self.order.append(name)
                self.now += self._seconds[name]
                self._works[name].share_left = 1 - done / tiles
                self._left[name] -= 1

    def _until_waiting(self, count: int) -> None:
        pause = threading.Event()
        for _ in range(SECONDS * 1000):
            if len(self.scheduler._waiting) == count:
                return
            pause.wait(0.001)
        raise TimeoutError


def test_a_small_picture_does_not_wait_for_a_large_one() -> None:
    bench = Bench()
    bench.add("large", 20)
    bench.add("small", 2)
    order = bench.run()
    assert order.index("small") <= 1
    assert order[:4].count("small") == 2


def test_a_large_picture_goes_on_whatever_else_there_is() -> None:
    """Every second turn goes round the visitors, of whom there are eleven."""
    bench = Bench()
    bench.add("large", 12)
    for number in range(10):
        bench.add(f"small {number}", 3)
    turns = [i for i, name in enumerate(bench.run()) if name == "large"]
    assert max(after - before for before, after in pairwise([0, *turns])) <= 2 * 11


def test_the_first_look_of_a_newcomer_goes_before_a_later_tile_of_anyone() -> None:
    bench = Bench()
    for number in range(4):
        bench.add(f"small {number}", 1)
    bench.add("look", 1, is_first_look=True)
    bench.add("another look", 1, is_first_look=True)
    assert bench.run()[:2] == ["look", "another look"]


def test_tiles_of_others_wait_for_a_first_look_that_is_expected_and_not_for_ever() -> None:
    """The picture of the look is opened, then decoded; the newcomer's own tiles do not wait."""
    now = [0.0]
    scheduler = Scheduler(max_running=1, max_works=9, clock=lambda: now[0])
    own, other = Watch(visitor="new"), Watch(visitor="other")

    def gets_a_turn(watch: Watch, *, is_first_look: bool = False) -> bool:
        """Wait until it is refused by the watch, which gives up at once."""
        refuse = replace(watch, is_cancelled=lambda: True)
        try:
            with scheduler.work(refuse, is_first_look=is_first_look) as work, work.turn():
                return True
        except CancelledError:
            return False

    with scheduler.work(own):
        scheduler.expect_first_look("new")
        assert not gets_a_turn(other)
        now[0] += 0.9 * HOLD_SECONDS
        with scheduler.work(own, is_first_look=True) as look:
            now[0] += 0.9 * HOLD_SECONDS
            assert not gets_a_turn(other)
            assert gets_a_turn(own)
            with look.turn():
                pass
        assert gets_a_turn(other)

        scheduler.expect_first_look("new")
        now[0] += HOLD_SECONDS
        assert gets_a_turn(other)


def test_nobody_is_held_back_for_a_picture_that_needs_no_first_look() -> None:
    scheduler = Scheduler(max_running=1, max_works=9)
    scheduler.expect_first_look("new")
    with scheduler.work(Watch(visitor="new")), scheduler.work(Watch()) as other, other.turn():
        assert scheduler.works == 2


def test_many_pictures_of_one_visitor_do_not_delay_another() -> None:
    bench = Bench()
    for number in range(6):
        bench.add(f"many {number}", 4, visitor="many")
    bench.add("one", 4, visitor="one")
    order = bench.run()
    last = max(i for i, name in enumerate(order) if name == "one")
    assert last <= 8


def test_pictures_of_one_visitor_take_turns() -> None:
    bench = Bench()
    bench.add("first", 5, visitor="one")
    bench.add("second", 5, visitor="one")
    assert bench.run()[:2] in (["first", "second"], ["second", "first"])


def test_nobody_waits_beyond_all_patience() -> None:
    """Even first looks, which otherwise go first, yield to those who have waited so long."""
    bench = Bench()
    bench.add("large", 1)
    for number in range(15):
        bench.add(f"look {number}", 1, is_first_look=True)
    assert bench.run().index("large") == PATIENCE_SECONDS + 1


def test_a_queue_of_those_who_have_waited_so_long_does_not_keep_first_looks_out() -> None:
    bench = Bench()
    for number in range(6):
        bench.add(f"large {number}", 1)
    for number in range(13):
        bench.add(f"look {number}", 1, is_first_look=True)
    order = bench.run()
    assert [name.partition(" ")[0] for name in order[:14]].count("large") == 1


def test_first_looks_go_before_long_tiles_one_of_which_takes_longer_than_patience() -> None:
    bench = Bench()
    for number in range(4):
        bench.add(f"large {number}", 1, seconds=1.5 * PATIENCE_SECONDS)
    for number in range(15):
        bench.add(f"look {number}", 1, is_first_look=True)
    order = [name.partition(" ")[0] for name in bench.run()]
    assert order[-3:] == ["large"] * 3


def test_one_more_than_there_are_places_is_refused_at_once() -> None:
    now = [0.0]
    scheduler = Scheduler(max_running=1, max_works=2, clock=lambda: now[0])
    with scheduler.work(Watch()) as first, scheduler.work(Watch()):
        first.seconds = 40.0
        with pytest.raises(BusyError) as caught, scheduler.work(Watch()):
            pass
        assert int(str(caught.value.details["retry_after"])) >= 1
    with scheduler.work(Watch()):
        assert scheduler.works == 1
    assert scheduler.works == 0


def test_a_refusal_says_when_the_first_work_is_expected_to_end() -> None:
    now = [100.0]
    scheduler = Scheduler(max_running=1, max_works=1, clock=lambda: now[0])
    with scheduler.work(Watch()) as work:
        work.seconds = 40.0
        now[0] += 12.5
        with pytest.raises(BusyError) as caught, scheduler.work(Watch()):
            pass
        assert caught.value.details["retry_after"] == 28
        work.share_left = 0.25
        with pytest.raises(BusyError) as caught, scheduler.work(Watch()):
            pass
        assert caught.value.details["retry_after"] == 10


def test_earlier_work_tells_how_long_unknown_work_takes() -> None:
    now = [0.0]
    scheduler = Scheduler(max_running=1, max_works=1, clock=lambda: now[0])
    for _ in range(30):
        with scheduler.work(Watch()):
            now[0] += 7.0
    with scheduler.work(Watch()):
        assert scheduler.seconds_until_free == pytest.approx(7.0, abs=0.1)


@pytest.mark.parametrize(
    ("watch", "error"),
    [
        (Watch(is_cancelled=lambda: True), CancelledError),
        (Watch(seconds_left=lambda: 0.0), DeadlineError),
    ],
)
def test_waiting_for_a_turn_can_be_cancelled(watch: Watch, error: type[Exception]) -> None:
    scheduler = Scheduler(max_running=1, max_works=2)
    with scheduler.work(Watch()) as holder, holder.turn():
        with pytest.raises(error), scheduler.work(watch) as other, other.turn():
            pass
        assert (scheduler.works, scheduler._waiting) == (1, [])
    with scheduler.work(Watch()) as work, work.turn():
        pass


def test_waiting_is_not_counted_as_work() -> None:
    now = [0.0]
    scheduler = Scheduler(max_running=1, max_works=2, clock=lambda: now[0])
    with scheduler.work(Watch()) as other, scheduler.work(Watch()) as first:
        thread = threading.Thread(target=_take, args=(other,))
        with first.turn():
            thread.start()
            while not scheduler._waiting:
                threading.Event().wait(0.001)
            now[0] += 5
        thread.join(SECONDS)
        assert (first.worked, first.waited) == (5, 0)
        assert (other.worked, other.waited) == (0, 5)


def _take(work: Work) -> None:
    with work.turn():
        pass


@pytest.mark.parametrize("max_running", [1, 2])
def test_a_crowd_never_runs_more_tiles_than_allowed(max_running: int) -> None:
    scheduler = Scheduler(max_running=max_running, max_works=30)
    lock = threading.Lock()
    running = most = 0

    def do() -> None:
        nonlocal running, most
        with scheduler.work(Watch()) as work:
            for _ in range(5):
                with work.turn():
                    with lock:
                        running += 1
                        most = max(most, running)
                    threading.Event().wait(0.001)
                    with lock:
                        running -= 1

    threads = [threading.Thread(target=do) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert running == 0
    assert most == max_running
    assert scheduler.works == 0
