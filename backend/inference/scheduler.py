"""Turns at the networks, tile by tile, for everyone who has a picture in this process.

A caller with a place works on its picture, and waits for a turn before each tile. First looks go
first; while a picture is opened for one, nobody else gets a turn for at most `HOLD_SECONDS`. The
other turns alternate between the shortest work, so that a small picture need not wait for a large
one, and the visitor who has waited longest since their last tile, so that a large one goes on.
Nobody waits longer than `PATIENCE_SECONDS` for one tile while others get several; while there are
first looks, one of those who waited so long goes on after as many seconds without a tile.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager

from backend.engine import Watch
from backend.errors import BusyError

POLL_SECONDS = 0.2
PATIENCE_SECONDS = 10.0
HOLD_SECONDS = 1.5
WEIGHT_OF_NEWEST = 0.3
TYPICAL_SECONDS = 2.0
"""Seconds assumed for a picture before any was finished."""


class Work:
    """One picture in the scheduler; made by `Scheduler.work`."""

    def __init__(
        self, scheduler: Scheduler, watch: Watch, *, is_first_look: bool, now: float, seconds: float
    ) -> None:
        self._scheduler = scheduler
        self.watch = watch
        self.visitor: Hashable = self if watch.visitor is None else watch.visitor
        self.is_first_look = is_first_look
        self.began = self.asked = self.started = now
        """The moments of its first step, and of the last call for a turn and begin of one."""
        self.seconds = seconds
        """Seconds that the network is expected to take, as soon as that is known."""
        self.share_left = 1.0
        """The share of the tiles that is not done, 0 to 1."""
        self.worked = self.waited = 0.0
        """Seconds in turns, and waiting for them."""

    def seconds_left(self) -> float:
        """Return the seconds that the network still needs."""
        return self.seconds * self.share_left

    def turn(self) -> AbstractContextManager[None]:
        """Wait for a turn at the network and take it; raise as `Watch.check` does."""
        return self._scheduler.turn(self)


class Scheduler:
    """Lets `max_running` tiles run at a time, of at most `max_works` pictures."""

    def __init__(
        self, *, max_running: int, max_works: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_running = max_running
        self._max_works = max_works
        self._clock = clock
        self._changed = threading.Condition()
        self._works: list[Work] = []
        self._waiting: list[Work] = []
        self._running = 0
        """The number of turns that are held."""
        self._turn = 0
        self._served: dict[Hashable, int] = {}
        """The turn in which each present visitor was last served, or came."""
        self._expected: dict[Hashable, float] = {}
        """The time until which others are held back for each visitor's first look."""
        self._went_on = -math.inf
        """The time when a tile that is no first look was done last."""
        self._typical_seconds = TYPICAL_SECONDS

    @property
    def works(self) -> int:
        """The number of pictures in hand."""
        return len(self._works)

    @property
    def seconds_until_free(self) -> float:
        """The shortest time that any picture in hand still needs, if all go on in turn."""
        with self._changed:
            now = self._clock()
            left = [
                each.seconds_left() if each.share_left < 1 else each.began + each.seconds - now
                for each in self._works
            ]
            in_turn = min(2, len(left)) / self._max_running  # the shortest has every second turn
            return max(0.0, min(left)) * max(1.0, in_turn) if left else 0.0

    def expect_first_look(self, visitor: Hashable) -> None:
        """Hold back the tiles of others for the first look that this visitor will soon ask for."""
        with self._changed:
            now = self._clock()
            self._expected = {each: end for each, end in self._expected.items() if end > now}
            self._expected[visitor] = now + HOLD_SECONDS

    @contextmanager
    def work(self, watch: Watch, *, is_first_look: bool = False) -> Iterator[Work]:
        """Take a place for a picture; raise BusyError if there is none."""
        with self._changed:
            if len(self._works) >= self._max_works:
                raise BusyError(seconds=self.seconds_until_free)
            work = Work(
                self,
                watch,
                is_first_look=is_first_look,
                now=self._clock(),
                seconds=self._typical_seconds,
            )
            self._works.append(work)
            self._served.setdefault(work.visitor, self._turn)
            if is_first_look:  # it is decoded before it asks for its turn
                self.expect_first_look(work.visitor)
            elif not any(each.is_first_look for each in self._of(work.visitor)):
                self._expected.pop(work.visitor, None)
        try:
            yield work
        finally:
            with self._changed:
                self._works.remove(work)
                if is_first_look:
                    self._expected.pop(work.visitor, None)
                if not self._of(work.visitor):
                    del self._served[work.visitor]
                took = self._clock() - work.began
                self._typical_seconds += WEIGHT_OF_NEWEST * (took - self._typical_seconds)

    @contextmanager
    def turn(self, work: Work) -> Iterator[None]:
        """Wait until it is the work's turn and hold the turn; see `Work.turn`."""
        try:
            self._wait_for_turn(work)
            yield
        finally:
            self._leave(work)

    def _wait_for_turn(self, work: Work) -> None:
        with self._changed:
            work.asked = self._clock()
            self._waiting.append(work)
            self._give_turns()
            while work in self._waiting:
                work.watch.check()
                self._changed.wait(POLL_SECONDS)
                self._give_turns()

    def _leave(self, work: Work) -> None:
        """End a turn, or the wait for it, and let others go on."""
        with self._changed:
            now = self._clock()
            if work in self._waiting:
                self._waiting.remove(work)
                work.waited += now - work.asked
            else:
                self._running -= 1
                work.worked += now - work.started
                if not work.is_first_look:
                    self._went_on = now
            self._give_turns()

    def _give_turns(self) -> None:
        """Start as many of those who wait as may run."""
        while self._running < self._max_running and (work := self._next()) is not None:
            self._turn += 1
            self._served[work.visitor] = self._turn
            self._waiting.remove(work)
            self._running += 1
            work.started = self._clock()
            work.waited += work.started - work.asked
            self._changed.notify_all()

    def _of(self, visitor: Hashable) -> list[Work]:
        return [each for each in self._works if each.visitor == visitor]

    def _next(self) -> Work | None:
        """Return whose turn it is, None while all are held back; see the head of this module."""
        now = self._clock()
        waiting = sorted(self._waiting, key=lambda work: work.asked)
        first_looks = [work for work in waiting if work.is_first_look]
        out_of_patience = [work for work in waiting if now - work.asked > PATIENCE_SECONDS]
        if out_of_patience and not self._go_first(first_looks, now):
            return out_of_patience[0]
        if first_looks:
            return min(first_looks, key=self._last_served)
        free = [work for work in waiting if not self._is_held(work, now)]
        key = self._last_served if self._turn % 2 else Work.seconds_left
        return min(free, key=key, default=None)

    def _last_served(self, work: Work) -> int:
        return self._served[work.visitor]

    def _go_first(self, first_looks: list[Work], now: float) -> bool:
        """Return whether first looks go before one who has waited too long.

        They are those that wait, and those that are decoded just now.
        """
        if now - self._went_on > PATIENCE_SECONDS:
            return False
        return bool(first_looks) or any(
            each.is_first_look and now < self._expected.get(each.visitor, 0.0)
            for each in self._works
        )

    def _is_held(self, work: Work, now: float) -> bool:
        return any(each != work.visitor and now < end for each, end in self._expected.items())
