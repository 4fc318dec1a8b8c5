"""A budget of pixels, with real threads."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from backend.engine import Watch
from backend.errors import CancelledError
from backend.inference.pixel_budget import PixelBudget


def test_together_they_never_hold_more_than_the_budget() -> None:
    budget = PixelBudget(10)
    lock = threading.Lock()
    held = most = 0

    def work(amount: int) -> None:
        nonlocal held, most
        with budget.hold(amount, Watch()):
            with lock:
                held += amount
                most = max(most, held)
            with lock:
                held -= amount

    threads = [threading.Thread(target=work, args=(1 + number % 10,)) for number in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert held == 0
    assert 0 < most <= 10


def test_waiting_for_the_pixel_budget_can_be_cancelled() -> None:
    budget = PixelBudget(10)
    with budget.hold(6, Watch()):
        with budget.hold(4, Watch()):
            pass
        with pytest.raises(CancelledError), budget.hold(5, Watch(is_cancelled=lambda: True)):
            pass
    with budget.hold(10, Watch()):
        pass


def test_a_small_picture_does_not_wait_for_a_very_large_one() -> None:
    budget = PixelBudget(6400)
    with budget.hold(6400, Watch()):
        for _ in range(4):
            with budget.hold(100, Watch(is_cancelled=lambda: True)):
                pass
        with (
            pytest.raises(CancelledError),
            budget.hold(101, Watch(is_cancelled=lambda: True)),
        ):
            pass


def test_small_pictures_together_have_a_bound_too() -> None:
    budget = PixelBudget(6400)
    with (
        budget.hold(100, Watch()),
        budget.hold(100, Watch()),
        budget.hold(100, Watch()),
        budget.hold(100, Watch()),
        pytest.raises(CancelledError),
        budget.hold(1, Watch(is_cancelled=lambda: True)),
    ):
        pass


def test_first_looks_wait_for_no_picture_and_have_a_bound_of_their_own() -> None:
    budget = PixelBudget(6400)
    impatient = Watch(is_cancelled=lambda: True)
    with budget.hold(6400, Watch()), ExitStack() as others:
        for _ in range(4):
            others.enter_context(budget.hold(100, Watch()))
        with (
            budget.hold(400, impatient, is_first_look=True),
            pytest.raises(CancelledError),
            budget.hold(1, impatient, is_first_look=True),
        ):
            pass


def test_a_large_picture_is_not_overtaken_for_ever() -> None:
    """While it waits, later callers wait too, although there would be room."""
    budget = PixelBudget(10)
    is_waiting, is_over = threading.Event(), threading.Event()

    def take_all() -> None:
        with budget.hold(10, Watch(), on_wait=is_waiting.set):
            pass
        is_over.set()

    with budget.hold(4, Watch()):
        thread = threading.Thread(target=take_all)
        thread.start()
        assert is_waiting.wait(10)
        late = budget.hold(1, Watch(is_cancelled=lambda: True))
        with pytest.raises(CancelledError), late:
            pass
    thread.join(10)
    assert is_over.is_set()


def test_caches_are_dropped_only_before_waiting() -> None:
    budget, forgotten = PixelBudget(10), []
    with budget.hold(6, Watch(), on_wait=lambda: forgotten.append(6)):
        late = budget.hold(5, Watch(is_cancelled=lambda: True), on_wait=lambda: forgotten.append(5))
        with pytest.raises(CancelledError), late:
            pass
    assert forgotten == [5]
