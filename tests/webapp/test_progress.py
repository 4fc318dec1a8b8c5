"""The arithmetic of the progress bar."""

from __future__ import annotations

import pytest

from webapp.base.texts import texts
from webapp.work.jobs import Phase, State
from webapp.work.progress import Estimate, SavingPace, fraction, remaining_seconds, sentence

EN = texts("en")
TEN = Estimate(work=10, saving=2)


def running(done: int, total: int, elapsed: float, *, wait: float = 0) -> State:
    """Return the state after steps of equal length, the first of which waited for its turn."""
    first = wait + (elapsed - wait) / done if done else 0.0
    return State(phase=Phase.RUNNING, done=done, total=total, elapsed=elapsed, first=first)


def saving(elapsed: float, finishing: float) -> State:
    return State(phase=Phase.FINISHING, done=4, total=4, elapsed=elapsed, finishing=finishing)


def words(state: State, estimate: Estimate = TEN) -> str:
    return sentence(state, estimate=estimate, t=EN)


def test_before_the_first_tile_the_estimate_counts_down() -> None:
    assert remaining_seconds(running(0, 0, 2), estimate=TEN) == 10
    assert remaining_seconds(running(0, 9, 20), estimate=TEN) == 2


def test_after_some_tiles_their_own_pace_counts() -> None:
    assert remaining_seconds(running(4, 8, 8), estimate=Estimate(work=1000, saving=1)) == 9


@pytest.mark.parametrize("seconds", [0.1, 4, 60])
def test_the_first_tile_changes_the_estimate_by_a_third_at_most(seconds: float) -> None:
    before = remaining_seconds(running(0, 8, seconds), estimate=Estimate(work=60, saving=0))

    after = remaining_seconds(running(1, 8, seconds), estimate=Estimate(work=60, saving=0))

    assert 60 * 2 / 3 <= after + seconds <= 60 * 4 / 3
    assert abs(after - before) <= 60 / 3


def test_the_time_since_the_last_step_belongs_to_the_next() -> None:
    state = State(phase=Phase.RUNNING, done=1, total=4, elapsed=3, first=2, stepping=1)
    assert remaining_seconds(state, estimate=TEN) == 7
    assert fraction(state, estimate=TEN) == 3 / 10
    late = State(phase=Phase.RUNNING, done=1, total=4, elapsed=12, first=2, stepping=10)
    assert remaining_seconds(late, estimate=TEN) == 2
    assert fraction(late, estimate=TEN) < 1


def test_saving_is_part_of_the_time_left() -> None:
    assert remaining_seconds(saving(10.5, 0.5), estimate=TEN) == 1.5
    assert remaining_seconds(saving(20, 10), estimate=TEN) == 0


def test_the_bar_grows_in_proportion_to_time() -> None:
    states = [running(each, 4, 2.5 * each) for each in range(5)]
    states += [saving(10.5, 0.5), saving(11, 1), saving(12, 2), saving(20, 10)]

    bars = [fraction(state, estimate=TEN) for state in states]

    assert bars == sorted(bars)
    assert bars[0] == 0
    assert bars[2] == pytest.approx(5 / 12)
    assert bars[4] == pytest.approx(10 / 12)
    assert bars[-1] < 1


@pytest.mark.parametrize("first", [0.5, 2.5, 30])
def test_the_bar_grows_before_the_first_tile_and_never_goes_back(first: float) -> None:
    states = [running(0, 4, first * each / 4) for each in range(5)] + [running(1, 4, first)]

    bars = [fraction(state, estimate=TEN) for state in states]

    assert bars == sorted(bars)
    assert 0 == bars[0] < bars[1]
    assert bars[4] <= 2.5 / 12


def test_the_wait_for_the_first_turn_is_no_slowness() -> None:
    """A first look, of the same picture too, goes before all tiles."""
    estimate = Estimate(work=50, saving=0)
    state = running(10, 100, 45, wait=40)
    assert remaining_seconds(state, estimate=estimate) == pytest.approx(45)
    assert fraction(state, estimate=estimate) == pytest.approx(0.1)


def test_the_bar_does_not_go_back_after_a_wait_for_the_first_turn() -> None:
    estimate = Estimate(work=50, saving=0)
    states = [running(each, 100, 40 + each / 2, wait=40) for each in range(1, 101)]

    bars = [fraction(state, estimate=estimate) for state in states]

    assert bars == sorted(bars)
    assert bars[0] < 0.02


def test_a_waiting_visitor_is_told_how_many_are_ahead() -> None:
    assert "1 picture is ahead of yours" in words(State(phase=Phase.WAITING, ahead=1))
    assert "3 pictures are ahead of yours" in words(State(phase=Phase.WAITING, ahead=3))


def test_a_late_first_tile_is_admitted() -> None:
    assert "about 10 s left" in words(running(0, 4, 2))
    assert words(running(0, 4, 9)) == "Enhancing …"
    assert "longer than usual" in words(running(0, 4, 30))
    assert "left" in words(running(1, 4, 30))


def test_the_pace_of_saving_is_learned_from_large_results() -> None:
    pace = SavingPace()
    before = pace.seconds(10_000_000, is_lossless=True)

    pace.learn(pixels=100, seconds=50, is_lossless=True)
    assert pace.seconds(10_000_000, is_lossless=True) == before
    for _ in range(20):
        pace.learn(pixels=10_000_000, seconds=5, is_lossless=True)
    assert pace.seconds(10_000_000, is_lossless=True) == pytest.approx(5, rel=0.01)


def test_saving_with_loss_is_quicker_and_a_slow_machine_is_slow_at_both() -> None:
    pace = SavingPace()
    before = pace.seconds(30_000_000, is_lossless=False)
    assert before < pace.seconds(30_000_000, is_lossless=True)

    pace.learn(pixels=20_000_000, seconds=60, is_lossless=True)

    assert pace.seconds(30_000_000, is_lossless=False) > before
    assert pace.seconds(190_000_000, is_lossless=False) > pace.seconds(20_000_000, is_lossless=True)
