"""The mean of an area stays: patterns as fine as pixels keep their brightness and colour.

On dithered or finely woven patterns a network's answer is cut off at black or white, at one side
more than at the other, and the mean moves. So the mean of each block of `BLOCK` LR pixels is
compared with the input's, and where it is too far away the block's pixels move towards black or
white in proportion, which cuts nothing off. Elsewhere a mean may move further: grain and JPEG's
blocks are errors of the input. Blocks lie on a grid that begins at the picture's corner, and tiles
are cut along it, so a tile's result equals the whole's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from backend.images.picture import RgbImage

BLOCK = 4
"""Side in LR pixels."""
STRICT, LOOSE = 1.0, 8.0
"""Grey levels that a block's mean may move in a fine pattern, and in a calm block."""
CALM_STEP, PATTERN_STEP = 50.0, 80.0
"""The mean step to the right or down within a calm block at most, within a pattern at least."""
WHITE = 255.0
Means = npt.NDArray[np.float32]


def keep_means(sr: RgbImage, lr: RgbImage, *, scale: int) -> RgbImage:
    """Return the answer with means near the input's; the corner of both lies on the grid.

    (H, W, 3) uint8 `lr` and (H * scale, W * scale, 3) uint8 `sr`.
    """
    found, given = _means(sr, BLOCK * scale), _means(lr, BLOCK)
    off = np.abs(found - given)
    if off.max() <= STRICT:
        return sr
    tolerance = _tolerance(lr)[:, :, np.newaxis]
    rows, columns = np.nonzero((off > tolerance).any(-1))
    if not len(rows):
        return sr
    wanted = given + np.clip(found - given, -tolerance, tolerance)
    side = BLOCK * scale
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


def _tolerance(lr: RgbImage) -> Means:
    """Return how far the mean of each block may move, (rows, columns).

    Steps from one block to the next count for neither: a tile does not have them all.
    """
    step = np.zeros(lr.shape[:2], np.uint8)
    for axis in (0, 1):
        before, after = np.delete(lr, -1, axis), np.delete(lr, 0, axis)
        change = (np.maximum(before, after) - np.minimum(before, after)).max(-1)
        np.moveaxis(change, axis, 0)[BLOCK - 1 :: BLOCK] = 0
        inside = step[: change.shape[0], : change.shape[1]]
        np.maximum(inside, change, out=inside)
    share = (_means(step, BLOCK) - CALM_STEP) / (PATTERN_STEP - CALM_STEP)
    tolerance: Means = LOOSE - (LOOSE - STRICT) * np.clip(share, 0, 1)
    return tolerance


def _moved(blocks: RgbImage, found: Means, wanted: Means) -> RgbImage:
    """(N, side, side, 3) -> the blocks with means moved from `found` to `wanted`, (N, 1, 1, 3)."""
    is_darker = wanted < found
    end = np.where(is_darker, 0.0, WHITE).astype(np.float32)
    share = (wanted - end) / np.where(found == end, 1.0, found - end)
    return np.asarray(end + (blocks - end) * share + np.float32(0.5), np.uint8)
