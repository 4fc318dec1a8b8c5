"""A picture through a function, tile by tile."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from backend.engine import Box
from backend.images.picture import RgbImage
from backend.inference.tiles import Span, Tile


def mosaic(
    lr: RgbImage, cuts: Sequence[Tile], run: Callable[[RgbImage], RgbImage], *, scale: int
) -> RgbImage:
    """Join `run`'s answers for all tiles of a whole picture: (H, W, 3) uint8, `scale` times it."""
    height, width = lr.shape[:2]
    sr = np.empty((height * scale, width * scale, 3), np.uint8)
    for tile in cuts:
        left, top, right, bottom = place_of(tile, scale=scale)
        sr[top:bottom, left:right] = kept_part(run(read_tile(lr, tile)), tile, scale=scale)
    return sr


def read_tile(lr: RgbImage, tile: Tile) -> RgbImage:
    """Return the pixels that a tile reads.

    Beyond its border the picture is mirrored: otherwise convolutions would see black padding.
    """
    rows, columns = tile.rows, tile.columns
    height, width = lr.shape[:2]
    is_inside = min(rows.read_start, columns.read_start) >= 0
    if is_inside and rows.read_stop <= height and columns.read_stop <= width:
        inside = lr[rows.read_start : rows.read_stop, columns.read_start : columns.read_stop]
        return np.ascontiguousarray(inside)
    return lr[np.ix_(_mirrored(rows, height), _mirrored(columns, width))]


def kept_part(answer: RgbImage, tile: Tile, *, scale: int, border: int = 0) -> RgbImage:
    """Return the part of a network's answer that belongs to the result; see `ModelSpec.border`."""
    origin = tile.columns.read_start + border, tile.rows.read_start + border
    left, top, right, bottom = place_of(tile, scale=scale, origin=origin)
    return answer[top:bottom, left:right]


def place_of(tile: Tile, *, scale: int, origin: tuple[int, int] = (0, 0)) -> Box:
    """Return where a tile's result lies, in SR pixels counted from an origin in LR pixels."""
    left, top = origin
    return (
        (tile.columns.start - left) * scale,
        (tile.rows.start - top) * scale,
        (tile.columns.stop - left) * scale,
        (tile.rows.stop - top) * scale,
    )


def _mirrored(span: Span, length: int) -> npt.NDArray[np.intp]:
    """Return the picture's rows or columns that a span reads, mirrored at both borders."""
    places = np.arange(span.read_start, span.read_stop) % (2 * length)
    return np.minimum(places, 2 * length - 1 - places)
