"""How long a Lambda call may still take."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from backend.adapters.api_gateway import LambdaContext

SECONDS_TO_ANSWER = 1.0
"""Kept back to encode and send an answer before Lambda ends the call."""


def seconds_left(context: LambdaContext, *, budget: float | None) -> Callable[[], float]:
    """The smaller of what the caller waits for (`budget` from now on) and what Lambda allows."""
    end = time.monotonic() + (math.inf if budget is None else budget)

    def left() -> float:
        of_lambda = context.get_remaining_time_in_millis() / 1000 - SECONDS_TO_ANSWER
        return min(end - time.monotonic(), of_lambda)

    return left
