"""Time estimates: a network's cost, times the measured speed of its tier.

All scales of a tier have one speed, whichever ran last and however busy the machine was then, so
that a larger scale never seems quicker. A tier that has not run yet is assumed to be as fast as the
fastest that has: concurrent runs are slow, and say little of the machine.
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
    """The seconds per multiplication of each tier, learned from finished runs."""

    def __init__(self, *, cores: float) -> None:
        self._fastest = 1 / ASSUMED_RATE / cores
        self._rates: dict[str, float] = {}
        self._lock = threading.Lock()

    def seconds(self, spec: ModelSpec, *, pixels: int) -> float:
        """Estimate the seconds for an input of `pixels` LR pixels."""
        with self._lock:
            rate = self._rates.get(spec.name, self._fastest)
        return pixels * _cost(spec) * rate + encoding_seconds(pixels * spec.scale**2)

    def learn(self, spec: ModelSpec, *, pixels: int, seconds: float) -> None:
        """Take a finished run into account."""
        if pixels < SMALLEST_SAMPLE:
            return
        newest = seconds / pixels / _cost(spec)
        with self._lock:
            known = self._rates.get(spec.name, newest)
            self._rates[spec.name] = known + WEIGHT_OF_NEWEST * (newest - known)
            self._fastest = min(self._fastest, newest)


def _cost(spec: ModelSpec) -> int:
    """Return the multiplications per LR pixel."""
    return spec.multiplications or ASSUMED_COST
