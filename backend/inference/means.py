"""Area means are kept: patterns as fine as pixels keep their brightness and colour.

On dithered or finely woven patterns a network's answer is clipped more at one end than at the
other, and the mean moves. So each block of LR pixels whose mean is too far from the input's is
moved towards black or white in proportion, which clips nothing. Blocks of `BLOCK` may move by
`LOOSE` levels: grain and JPEG's blocks are errors of the input. In patterns of high contrast,
blocks of `PART` may move by `STRICT`. Blocks lie on a grid that begins at the picture's corner, and
tiles are cut along it, so a tile's result equals the whole's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from backend.images.channels import largest
from backend.images.picture import RgbImage

BLOCK, PART = 8, 4
"""Sides in LR pixels."""
LOOSE, STRICT = 6.0, 1.0
"""Grey levels that a mean may move."""
CALM_STEP, PATTERN_STEP = 70.0, 110.0
"""The largest mean step of a calm part, and the least of a pattern, to the right or down."""
WHITE = 255.0
Means = npt.NDArray[np.float32]


def keep_means(sr: RgbImage, lr: RgbImage, *, scale: int) -> RgbImage:
    """Return the answer with means near the input's; the corner of both lies on the grid.

    (H, W, 3) uint8 `lr` and (H * scale, W * scale, 3) uint8 `sr`.
    """
    sr = _bounded(sr, lr, scale=scale, block=BLOCK, tolerance=np.float32(LOOSE))
    tolerance = _tolerance_of_parts(lr)[:, :, np.newaxis]
    return _bounded(sr, lr, scale=scale, block=PART, tolerance=tolerance)


def _bounded(
    sr: RgbImage, lr: RgbImage, *, scale: int, block: int, tolerance: Means | np.float32
) -> RgbImage:
    """Return the answer with the means of blocks at most `tolerance` from the input's."""
    side = block * scale
    found, given = _means(sr, side), _means(lr, block)
    rows, columns = np.nonzero((np.abs(found - given) > tolerance).any(-1))
    if not len(rows):
        return sr
    wanted = given + np.clip(found - given, -tolerance, tolerance)
    height, width = sr.shape[:2]
    kept = np.pad(sr, ((0, -height % side), (0, -width % side), (0, 0)))
    blocks = kept.reshape(len(found), side, -1, side, 3).swapaxes(1, 2)
    blocks[rows, columns] = _moved(
        blocks[rows, columns],
        found[rows, columns, np.newaxis, np.newaxis],
        wanted[rows, columns, np.newaxis, np.newaxis],
    )
    return np.ascontiguousarray(kept[:height, :width])


def _means(image: RgbImage, side: int) -> Means:
    """Return the mean colour of each block, (rows, columns, 3); those at the border may be less."""
    return np.asarray(Image.fromarray(image).reduce(side), np.float32)


def _tolerance_of_parts(lr: RgbImage) -> Means:
    """Return how far the mean of each part may move, (rows, columns); calm parts are free.

    Steps between parts do not count: a tile does not have them all.
    """
    step = np.zeros(lr.shape[:2], np.uint8)
    for axis in (0, 1):
        lines = np.moveaxis(lr, axis, 0)
        before, after = lines[:-1], lines[1:]
        change = largest(np.maximum(before, after) - np.minimum(before, after))
        change[PART - 1 :: PART] = 0
        inside = np.moveaxis(step, axis, 0)[:-1]
        np.maximum(inside, change, out=inside)
    share = (_means(step, PART) - CALM_STEP) / (PATTERN_STEP - CALM_STEP)
    tolerance: Means = np.where(share < 0, WHITE, 2 * LOOSE * (1 - share)).astype(np.float32)
    return np.maximum(tolerance, np.float32(STRICT))


def _moved(blocks: RgbImage, found: Means, wanted: Means) -> RgbImage:
    """(N, side, side, 3) -> the blocks with means moved from `found` to `wanted`, (N, 1, 1, 3)."""
    is_darker = wanted < found
    end = np.where(is_darker, 0.0, WHITE).astype(np.float32)
    share = (wanted - end) / np.where(found == end, 1.0, found - end)
    return np.asarray(end + (blocks - end) * share + np.float32(0.5), np.uint8)
