"""A job's state as numbers and words for a progress bar: plain arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass

from webapp.base.texts import Texts
from webapp.work.jobs import Phase, State

TRUSTED_SECONDS = 3.0
"""Seconds; a shorter estimate says nothing."""
EARLY_FACTORS = {1: 4 / 3, 2: 2.0, 3: 4.0}
"""Largest change of an estimate, by the number of finished steps."""
SAVING_SECONDS_PER_PIXEL = {True: 1.3e-7, False: 4e-8}
"""The usual pace of encoding, by `is_lossless`."""
SAVING_SHARE = 0.95
"""Limit of the bar while the result is saved for longer than expected."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The expected seconds of a job."""

    work: float
    """Seconds in the model."""
    saving: float
    """Encoding the result and its preview."""

    @property
    def total(self) -> float:
        """Seconds in total, without waiting for a turn."""
        return self.work + self.saving


class SavingPace:
    """The pace of encoding, learned from earlier results.

    A slow machine is slow at both kinds, so a smaller result never seems to take longer than a
    larger one because its kind was made last while the machine was busy.
    """

    def __init__(self) -> None:
        self._slowness = 1.0

    def seconds(self, pixels: int, *, is_lossless: bool) -> float:
        """Estimate the seconds for a result of so many pixels."""
        return 0.2 + self._slowness * SAVING_SECONDS_PER_PIXEL[is_lossless] * pixels

    def learn(self, *, pixels: int, seconds: float, is_lossless: bool) -> None:
        """Take a finished result into account; small ones say nothing about the pace."""
        if pixels >= 1_000_000:
            usual = SAVING_SECONDS_PER_PIXEL[is_lossless] * pixels
            self._slowness += 0.5 * (max(0.0, seconds - 0.2) / usual - self._slowness)


def remaining_seconds(state: State, *, estimate: Estimate) -> float:
    """Return the estimated time until the first step is done, then by the steps' pace."""
    if state.phase is Phase.FINISHING:
        return max(0.0, estimate.saving - state.finishing)
    if state.done == 0 or state.total == 0:
        return max(0.0, estimate.work - state.elapsed) + estimate.saving
    # All that passed counts after one step: what it waited for its turn is unknown.
    elapsed = state.elapsed if state.done == 1 else _worked_seconds(state, estimate)
    return max(0.0, _work_seconds(state, estimate) - elapsed) + estimate.saving


def fraction(state: State, *, estimate: Estimate) -> float:
    """Return 0 to 1, in proportion to time."""
    if state.phase is Phase.WAITING:
        return 0.0
    if state.phase is Phase.FINISHING:
        work = max(0.0, state.elapsed - state.finishing)
        saved = min(SAVING_SHARE, state.finishing / estimate.saving) * estimate.saving
        return (work + saved) / (work + estimate.saving)
    if state.total == 0:
        return 0.0
    if state.done == 0:
        step = estimate.work / state.total  # no more than the first one is worth
        return min(state.elapsed, step) / estimate.total
    worked = _worked_seconds(state, estimate)
    return worked / (max(worked, _work_seconds(state, estimate)) + estimate.saving)


def _pace(state: State) -> float:
    """Return the seconds of a step; the first one counts only while there is no other."""
    if state.done == 1:
        return state.first
    return (state.elapsed - state.stepping - state.first) / (state.done - 1)


def _work_seconds(state: State, estimate: Estimate) -> float:
    """Return the time by the pace of the steps that are done.

    One step says little: the first few change the estimate by a limited factor.
    """
    factor = EARLY_FACTORS.get(state.done, math.inf)
    limited = max(_pace(state) * state.total, estimate.work / factor)
    return min(limited, estimate.work * factor)


def _worked_seconds(state: State, estimate: Estimate) -> float:
    """Return the time since the work began, without the first step's wait for its turn."""
    step = _work_seconds(state, estimate) / state.total
    return state.elapsed - max(0.0, state.first - step)


def sentence(state: State, *, estimate: Estimate, t: Texts) -> str:
    """Say what happens now."""
    if state.phase is Phase.WAITING:
        return t("wait.ahead", count=state.ahead) if state.ahead else t("wait.starting")
    if state.phase is Phase.FINISHING:
        return t("wait.saving")
    left = remaining_seconds(state, estimate=estimate)
    if state.done == 0 and left - estimate.saving < TRUSTED_SECONDS:
        # The estimate was too short, so the rest is unknown.
        is_late = state.elapsed > 2 * estimate.work + TRUSTED_SECONDS
        return t("wait.late") if is_late else t("wait.running")
    if left < TRUSTED_SECONDS:
        return t("wait.moment")
    return t("wait.left", time=t.about(left))
