"""A picture through a function, tile by tile."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backend.images import RgbImage
from backend.tiling import Tile


def mosaic(
    lr: RgbImage, cuts: list[Tile], run: Callable[[RgbImage], RgbImage], *, scale: int
) -> RgbImage:
    """(H, W, 3) uint8 -> (H * scale, W * scale, 3) uint8, made of what `run` answers for each read.

    Beyond its border the picture goes on mirrored, so that a network sees there what it saw in
    training, and not the black that convolutions pad with.
    """
    height, width = lr.shape[:2]
    top = -min(tile.rows.read_start for tile in cuts)
    left = -min(tile.columns.read_start for tile in cuts)
    bottom = max(tile.rows.read_stop for tile in cuts) - height
    right = max(tile.columns.read_stop for tile in cuts) - width
    padded = np.pad(lr, ((top, bottom), (left, right), (0, 0)), mode="symmetric")
    sr = np.empty((height * scale, width * scale, 3), np.uint8)
    for tile in cuts:
        rows, columns = tile.rows, tile.columns
        read = padded[
            top + rows.read_start : top + rows.read_stop,
            left + columns.read_start : left + columns.read_stop,
        ]
        answer = run(np.ascontiguousarray(read))
        down, across = rows.start - rows.read_start, columns.start - columns.read_start
        sr[rows.start * scale : rows.stop * scale, columns.start * scale : columns.stop * scale] = (
            answer[
                down * scale : (down + rows.stop - rows.start) * scale,
                across * scale : (across + columns.stop - columns.start) * scale,
            ]
        )
    return sr
