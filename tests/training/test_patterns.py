"""Training patterns keep their mean colour when they are enlarged."""

from __future__ import annotations

import numpy as np
import pytest

from training.patterns import draw_pattern, enlarged

SIDE = 48


@pytest.mark.parametrize("scale", [2, 4])
def test_a_pattern_is_as_fine_as_pixels_and_its_enlargement_as_bright(scale: int) -> None:
    rng = np.random.default_rng(4)
    ramp = np.linspace(0, 255, SIDE * SIDE * 3).reshape(SIDE, SIDE, 3).astype(np.uint8)
    steps = []
    for _ in range(60):
        pattern = draw_pattern(ramp, rng)
        assert pattern.shape == ramp.shape
        assert pattern.dtype == np.uint8
        large = enlarged(pattern, scale=scale)
        assert large.shape == (SIDE * scale, SIDE * scale, 3)
        inside = pattern[2:-2, 2:-2], large[2 * scale : -2 * scale, 2 * scale : -2 * scale]
        means = [each.mean((0, 1)) for each in inside]
        assert np.abs(means[0] - means[1]).max() < 4
        steps.append(np.abs(np.diff(pattern.astype(int), axis=1)).mean())
    assert np.mean(steps) > 20  # a ramp's own steps are below 1
