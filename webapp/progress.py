"""A job's state as numbers for a progress bar: plain arithmetic."""

from __future__ import annotations

from webapp.jobs import Phase, State
from webapp.messages import time_left

FINISHING_FRACTION = 0.96
"""Where the bar stands when the last tile is done and the file is being written."""

TRUSTED_SECONDS = 3.0
"""An estimate with less than this left says nothing."""


def remaining_seconds(state: State, *, estimate: float) -> float:
    """From the estimate until the first step is done, then from the steps' own pace."""
    if state.done == 0 or state.total == 0:
        return max(0.0, estimate - state.elapsed)
    return state.elapsed / state.done * (state.total - state.done)


def fraction(state: State) -> float:
    """0 to 1."""
    if state.phase is Phase.WAITING:
        return 0.0
    if state.phase is Phase.RUNNING:
        return FINISHING_FRACTION * state.done / state.total if state.total else 0.0
    return FINISHING_FRACTION


def sentence(state: State, *, estimate: float) -> str:
    """What happens now, in words."""
    if state.phase is Phase.WAITING:
        pictures = "one picture is" if state.ahead == 1 else f"{state.ahead} pictures are"
        return f"Waiting: {pictures} before yours" if state.ahead else "Starting …"
    if state.phase is Phase.RUNNING:
        left = remaining_seconds(state, estimate=estimate)
        if state.done == 0 and left < TRUSTED_SECONDS:
            # The estimate was too short, so it cannot tell how much is left.
            is_late = state.elapsed > 2 * estimate + TRUSTED_SECONDS
            return "Enhancing … this takes longer than usual" if is_late else "Enhancing …"
        return f"Enhancing … {time_left(left)}"
    return "Almost done: saving your picture …"
