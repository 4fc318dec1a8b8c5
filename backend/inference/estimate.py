"""Time estimates: from a network's measured speed, or else from its cost.

A network that has not run yet is assumed to be as fast as the fastest that has: concurrent runs are
slow, and say little of the machine.
"""

from __future__ import annotations

import threading

from backend.models.manifest import ModelSpec

ASSUMED_RATE = 25e9
"""Multiplications a second of one core before any measurement (AVX2, 2.5 GHz: 35e9)."""
ASSUMED_COST = 330_000
"""Multiplications per LR pixel if the manifest entry does not say."""
ENCODING_SECONDS_PER_PIXEL = 5e-8
"""Decoding and encoding, per output pixel."""
WEIGHT_OF_NEWEST = 0.3
SMALLEST_SAMPLE = 65_536
"""The least pixels; smaller pictures tell more about overhead than about speed."""


def encoding_seconds(pixels: int) -> float:
    """Estimate the seconds outside of the model, for an output of `pixels`."""
    return ENCODING_SECONDS_PER_PIXEL * pixels


class Estimator:
    """Seconds per LR pixel of each network, learned from finished runs."""

    def __init__(self, *, cores: float) -> None:
        self._seconds_per_multiplication = 1 / ASSUMED_RATE / cores
        self._rates: dict[tuple[str, int], float] = {}
        self._lock = threading.Lock()

    def seconds(self, spec: ModelSpec, *, pixels: int) -> float:
        """Estimate the seconds for an input of `pixels` LR pixels."""
        with self._lock:
            guess = _cost(spec) * self._seconds_per_multiplication
            rate = self._rates.get((spec.name, spec.scale), guess)
        return pixels * rate + encoding_seconds(pixels * spec.scale**2)

    def learn(self, spec: ModelSpec, *, pixels: int, seconds: float) -> None:
        """Take a finished run into account."""
        if pixels < SMALLEST_SAMPLE:
            return
        key = (spec.name, spec.scale)
        newest = seconds / pixels
        with self._lock:
            known = self._rates.get(key, newest)
            self._rates[key] = known + WEIGHT_OF_NEWEST * (newest - known)
            fastest = self._seconds_per_multiplication
            self._seconds_per_multiplication = min(fastest, newest / _cost(spec))


def _cost(spec: ModelSpec) -> int:
    """Return the multiplications per LR pixel."""
    return spec.multiplications or ASSUMED_COST
