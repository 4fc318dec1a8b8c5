"""The arithmetic of the progress bar."""

from __future__ import annotations

from webapp.jobs import Phase, State
from webapp.progress import fraction, remaining_seconds, sentence


def running(done: int, total: int, elapsed: float) -> State:
    return State(phase=Phase.RUNNING, done=done, total=total, elapsed=elapsed)


def test_before_the_first_tile_the_estimate_counts_down() -> None:
    assert remaining_seconds(running(0, 0, 2), estimate=10) == 8
    assert remaining_seconds(running(0, 9, 20), estimate=10) == 0


def test_after_the_first_tile_its_own_pace_counts() -> None:
    assert remaining_seconds(running(2, 8, 4), estimate=1000) == 12


def test_the_bar_grows_and_leaves_room_for_saving() -> None:
    bars = [fraction(running(done, 4, 1)) for done in range(5)]

    assert bars == sorted(bars)
    assert bars[0] == 0
    assert bars[-1] == fraction(State(phase=Phase.FINISHING)) < 1


def test_a_waiting_visitor_is_told_how_many_are_ahead() -> None:
    assert "one picture is before" in sentence(State(phase=Phase.WAITING, ahead=1), estimate=1)
    assert "3 pictures are before" in sentence(State(phase=Phase.WAITING, ahead=3), estimate=1)


def test_a_late_first_tile_is_admitted() -> None:
    assert "about 8 s left" in sentence(running(0, 4, 2), estimate=10)
    assert sentence(running(0, 4, 9), estimate=10) == "Enhancing …"
    assert "longer than usual" in sentence(running(0, 4, 30), estimate=10)
    assert "left" in sentence(running(1, 4, 30), estimate=10)
