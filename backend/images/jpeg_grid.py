"""An earlier save as a JPEG, seen in the pixels: steps at the borders of blocks of 8 x 8.

A picture that was saved badly and then saved again well, or as a PNG, has tables that say nothing
of the damage. The measure is how much sharper steps between calm pixels are at the borders than
elsewhere. It was fitted to 45 photographs and drawings, each saved at nine qualities and once more
at 95; clean ones and enlarged ones lie below 1.4.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BLOCK = 8
SAMPLE_SIDE = 1024
"""The middle of a larger picture is enough."""
CALM, STEP = 6, 30
"""Levels between neighbours: beside a border of blocks, and across it."""
LEAST_STEPS = 200
"""Steps at each place that are needed for a judgement."""
SOFTENING = 0.25
MOST = 12.0
"""The strength above which a grid was drawn, and is not a JPEG's."""
GRIDS = (1.6, 1.75, 2.06, 2.4, 2.63, 3.08, 3.65, 5.0)
QUALITIES = (83, 80, 70, 60, 50, 40, 30, 20)
"""The strengths of the grid that saves of these qualities leave, as medians."""
TELLING_QUALITY = 85
"""The quality below which the tables alone say enough."""
LUMA = np.array([77, 150, 29], np.int32)
"""BT.601 in units of 1/256."""
Luma = npt.NDArray[np.int16]


def quality_with_earlier_saves(rgb: npt.NDArray[np.uint8], by_tables: int | None) -> int | None:
    """Return the quality of the worst save: by a JPEG's tables, or by the grid it left before.

    Return None if the picture was never a JPEG, as far as can be seen.
    """
    if by_tables is not None and by_tables < TELLING_QUALITY:
        return by_tables
    strength = grid_strength(rgb)
    if strength is None or not GRIDS[0] <= strength <= MOST:
        return by_tables
    seen = round(float(np.interp(strength, GRIDS, QUALITIES)))
    return seen if by_tables is None else min(seen, by_tables)


def grid_strength(rgb: npt.NDArray[np.uint8]) -> float | None:
    """Return 1 for no grid, and more for a stronger one; None where nothing is calm enough."""
    strengths = []
    luma, corner = _sample(rgb)
    for plane, side, start in ((luma, rgb.shape[1], corner[1]), (luma.T, rgb.shape[0], corner[0])):
        steps = _steps(plane, start)
        if steps is None:
            return None
        # A picture that was turned has its blocks counted from the other side.
        strengths.append(max(_strength(steps, phase) for phase in {0, side % BLOCK}))
    return min(strengths)


def _sample(rgb: npt.NDArray[np.uint8]) -> tuple[Luma, tuple[int, int]]:
    """Return the brightness of the middle, and its (top, left) in the picture."""
    top, left = (max(0, side - SAMPLE_SIDE) // 2 for side in rgb.shape[:2])
    part = rgb[top : top + SAMPLE_SIDE, left : left + SAMPLE_SIDE]
    return (part.astype(np.int32) @ LUMA >> 8).astype(np.int16), (top, left)


def _steps(luma: Luma, start: int) -> list[float] | None:
    """Return the mean step, beyond what its neighbours suggest, at each of the eight columns."""
    change = np.diff(luma, axis=1)
    middle, before, after = change[:, 1:-1], change[:, :-2], change[:, 2:]
    is_calm = (np.abs(before) <= CALM) & (np.abs(after) <= CALM) & (np.abs(middle) <= STEP)
    beyond = np.abs(2 * middle - before - after)
    found = []
    for phase in range(BLOCK):
        columns = slice((phase - start - 2) % BLOCK, None, BLOCK)
        calm = is_calm[:, columns]
        count = int(calm.sum())
        if count < LEAST_STEPS:
            return None
        found.append(float((beyond[:, columns] * calm).sum()) / count)
    return found


def _strength(steps: list[float], phase: int) -> float:
    """Compare with the usual place, and with those that patterns of 2 and 4 pixels share."""
    others = [steps[(phase + each) % BLOCK] for each in range(1, BLOCK)]
    usual = max(float(np.median(others)), others[1], others[3], others[5])
    return (steps[phase] + SOFTENING) / (usual + SOFTENING)
