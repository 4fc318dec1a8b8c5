"""Strong damage of a photograph: a bad save as a JPEG, or coarse grain.

Noise is measured as Immerkaer does (Fast noise variance estimation, 1996), in the calmest parts of
a picture that are neither black nor white, so that bark and grass do not count.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from backend.images.photo_or_drawing import blocks_of, sample
from backend.images.picture import RgbImage

LEAST_CLEANUP = 15
"""The clean-up level, 100 less the quality of a JPEG, from which on damage is strong."""
LEAST_NOISE = 6.0
"""The standard deviation, in levels of 255, from which on noise is coarse grain."""
BLOCK = 16
CALM_SHARE = 10
"""The percentile of all blocks whose noise is taken."""
BLACK, WHITE = 24, 231
"""The mean brightness of blocks whose noise is not cut off."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
ABSOLUTE_TO_DEVIATION = float(np.sqrt(np.pi / 2))
"""The standard deviation of normal noise over the mean of its absolute values."""

Planes = npt.NDArray[np.float32]


def is_damaged(rgb: RgbImage | None, *, cleanup: int) -> bool:
    """Return whether a photograph needs to be restored more than to be kept as it is.

    Without `rgb`, its noise does not count.
    """
    return cleanup >= LEAST_CLEANUP or (rgb is not None and noise(rgb) >= LEAST_NOISE)


def noise(rgb: RgbImage) -> float:
    """Return the standard deviation of the noise, in levels of 255: of brightness or of colour."""
    tiles = sample(rgb).astype(np.float32)
    if min(tiles.shape[1:3]) < BLOCK + 2:
        return 0.0
    luma = tiles @ LUMA
    colour = (tiles[..., 0] - tiles[..., 1]) / np.float32(np.sqrt(2))
    brightness = _means(luma[:, 1:-1, 1:-1])
    is_seen = (brightness >= BLACK) & (brightness <= WHITE)
    if not is_seen.any():
        return 0.0
    calm = [
        np.percentile(_means(_residual(plane))[is_seen], CALM_SHARE) for plane in (luma, colour)
    ]
    return float(max(calm)) * ABSOLUTE_TO_DEVIATION


def _residual(planes: Planes) -> Planes:
    """(N, h, w) -> (N, h - 2, w - 2): what a difference of two Laplacians leaves, not negative."""
    rows = planes[:, :-2] - 2 * planes[:, 1:-1] + planes[:, 2:]
    residual: Planes = np.abs(rows[..., :-2] - 2 * rows[..., 1:-1] + rows[..., 2:]) / 6
    return residual


def _means(planes: Planes) -> Planes:
    means: Planes = blocks_of(planes, BLOCK).mean((1, 2))
    return means
