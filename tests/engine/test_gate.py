"""A bounded queue, with real threads."""

from __future__ import annotations

import threading

import pytest

from backend.engine import Watch
from backend.errors import BusyError, CancelledError
from backend.inference.gate import Gate


def occupy(gate: Gate, release: threading.Event) -> threading.Thread:
    """Start a thread that is inside the gate when this returns."""
    inside = threading.Event()

    def work() -> None:
        with gate.turn(Watch()):
            inside.set()
            release.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(10)
    return thread


def test_one_more_than_the_queue_holds_is_refused_at_once() -> None:
    gate = Gate(max_running=1, max_queued=0)
    release = threading.Event()
    thread = occupy(gate, release)
    with pytest.raises(BusyError) as caught, gate.turn(Watch()):
        pass
    assert caught.value.retry_after >= 1
    release.set()
    thread.join()
    with gate.turn(Watch()):
        assert gate.load == (1, 0)
    assert gate.load == (0, 0)


def test_a_waiting_caller_can_give_up() -> None:
    gate = Gate(max_running=1, max_queued=3)
    release = threading.Event()
    thread = occupy(gate, release)
    with pytest.raises(CancelledError), gate.turn(Watch(is_cancelled=lambda: True)):
        pass
    assert gate.load == (1, 0)
    release.set()
    thread.join()


def test_never_more_run_than_allowed() -> None:
    gate = Gate(max_running=2, max_queued=20)
    lock = threading.Lock()
    running = most = 0

    def work() -> None:
        nonlocal running, most
        with gate.turn(Watch()):
            with lock:
                running += 1
                most = max(most, running)
            threading.Event().wait(0.01)
            with lock:
                running -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_a_crowd_never_gets_more_places_than_there_are() -> None:
    gate = Gate(max_running=1, max_queued=8)
    release, refused = threading.Event(), []
    lock = threading.Lock()
    most = 0

    def work() -> None:
        nonlocal most
        try:
            with gate.turn(Watch()):
                with lock:
                    most = max(most, sum(gate.load))
                release.wait(0.005)
        except BusyError as exc:
            refused.append(exc.retry_after)

    for _ in range(20):
        threads = [threading.Thread(target=work) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most <= 9
    assert refused
    assert min(refused) >= 1


def test_who_is_refused_hears_how_long_the_one_at_work_is_expected_to_take() -> None:
    now = [100.0]
    gate = Gate(max_running=1, max_queued=0, clock=lambda: now[0])
    with gate.turn(Watch()) as turn:
        turn.expect(40.0)
        now[0] += 12.5
        with pytest.raises(BusyError) as caught, gate.turn(Watch()):
            pass
        assert caught.value.retry_after == 28
        now[0] += 100
        with pytest.raises(BusyError) as caught, gate.turn(Watch()):
            pass
        assert caught.value.retry_after == 1


def test_before_it_is_known_the_turns_before_tell_how_long_one_takes() -> None:
    now = [0.0]
    gate = Gate(max_running=1, max_queued=0, clock=lambda: now[0])
    for _ in range(30):
        with gate.turn(Watch()):
            now[0] += 7.0
    with gate.turn(Watch()):
        assert gate.seconds_until_free == pytest.approx(7.0, abs=0.1)
