"""A bounded line, with real threads."""

from __future__ import annotations

import threading

import pytest

from backend.errors import BusyError
from webapp.base.gate import Gate

CALLERS = 50


def occupy(gate: Gate, release: threading.Event) -> threading.Thread:
    """Start a thread that is inside the gate when this returns."""
    inside = threading.Event()

    def work() -> None:
        with gate.turn():
            inside.set()
            release.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(10)
    return thread


def test_one_more_than_the_line_holds_is_refused_at_once() -> None:
    gate = Gate(max_waiting=0)
    release = threading.Event()
    thread = occupy(gate, release)
    with pytest.raises(BusyError) as caught, gate.turn():
        pass
    assert int(str(caught.value.details["retry_after"])) >= 1
    release.set()
    thread.join()
    with gate.turn():
        pass


def test_a_failed_turn_lets_the_next_one_in() -> None:
    gate = Gate(max_waiting=0)
    for _ in range(3):
        with pytest.raises(ValueError, match="failed"), gate.turn():
            raise ValueError("failed")


@pytest.mark.parametrize(("max_waiting", "least"), [(CALLERS, CALLERS), (8, 1)])
def test_one_of_a_crowd_is_inside_at_a_time(max_waiting: int, least: int) -> None:
    gate = Gate(max_waiting=max_waiting)
    lock = threading.Lock()
    inside: list[int] = []
    seen: list[int] = []
    refused: list[int] = []

    def work() -> None:
        try:
            with gate.turn():
                inside.append(1)
                seen.append(len(inside))
                threading.Event().wait(0.005)
                inside.pop()
        except BusyError as exc:
            with lock:
                refused.append(int(str(exc.details["retry_after"])))

    threads = [threading.Thread(target=work) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == {1}
    assert least <= len(seen) == CALLERS - len(refused)
