"""Random damage: the same in every run, or other for `FUZZ_SECONDS` a target.

`FUZZ_SEED` repeats a run.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.mutations import mutate

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
SEED = int(os.environ.get("FUZZ_SEED", time.time_ns() % 2**32 if SECONDS else 1))


@dataclass(frozen=True, kw_only=True)
class Found:
    """An input that made a target fail."""

    seed: int
    number: int
    data: bytes
    error: BaseException

    def __str__(self) -> str:
        """Return the input as a named case."""
        return f"FUZZ_SEED={self.seed}, input {self.number}: {self.data!r}\n{self.error!r}"


def fuzz(
    target: Callable[[bytes], None],
    seeds: Sequence[bytes],
    *,
    least: int,
    hurt: Callable[[bytes, random.Random], bytes] = mutate,
    seconds: float = SECONDS,
) -> Found | None:
    """Try inputs for so many seconds, and at least `least` of them.

    Return the first that made the target raise.
    """
    chance = random.Random(SEED)
    end = time.monotonic() + seconds
    number = 0
    while number < least or time.monotonic() < end:
        data = hurt(seeds[number % len(seeds)], chance)
        try:
            target(data)
        except BaseException as exc:  # noqa: BLE001 - that is what is looked for
            return Found(seed=SEED, number=number, data=data, error=exc)
        number += 1
    return None
