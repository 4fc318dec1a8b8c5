"""A picture through a function, tile by tile."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backend.images.picture import RgbImage
from backend.inference.tiles import Span, Tile


def mosaic(
    lr: RgbImage, cuts: list[Tile], run: Callable[[RgbImage], RgbImage], *, scale: int
) -> RgbImage:
    """`scale` times what the tiles cover, made of what `run` answers for each read.

    `lr` is (H, W, 3) uint8, as is the answer. Beyond its border the picture goes on mirrored: a
    network sees there what it saw in training, and not the black that convolutions pad with.
    """
    rows, columns = _covered([tile.rows for tile in cuts]), _covered([t.columns for t in cuts])
    height, width = lr.shape[:2]
    inside = lr[_inside(rows, height), _inside(columns, width)]
    beyond = _beyond(rows, height), _beyond(columns, width), (0, 0)
    padded = np.pad(inside, beyond, mode="symmetric")
    area = (rows.stop - rows.start) * scale, (columns.stop - columns.start) * scale
    sr = np.empty((*area, 3), np.uint8)
    for tile in cuts:
        down, across = rows.read_start, columns.read_start
        read = padded[
            tile.rows.read_start - down : tile.rows.read_stop - down,
            tile.columns.read_start - across : tile.columns.read_stop - across,
        ]
        answer = run(np.ascontiguousarray(read))
        sr[_kept(tile.rows, rows.start, scale), _kept(tile.columns, columns.start, scale)] = answer[
            _kept(tile.rows, tile.rows.read_start, scale),
            _kept(tile.columns, tile.columns.read_start, scale),
        ]
    return sr


def _covered(spans: list[Span]) -> Span:
    """All of them as one."""
    return Span(
        start=min(span.start for span in spans),
        stop=max(span.stop for span in spans),
        read_start=min(span.read_start for span in spans),
        read_stop=max(span.read_stop for span in spans),
    )


def _inside(span: Span, length: int) -> slice:
    """What is read of the picture itself."""
    return slice(max(0, span.read_start), min(length, span.read_stop))


def _beyond(span: Span, length: int) -> tuple[int, int]:
    """How much is read before and after it."""
    return max(0, -span.read_start), max(0, span.read_stop - length)


def _kept(span: Span, origin: int, scale: int) -> slice:
    """In SR pixels, counted from an origin in LR pixels."""
    return slice((span.start - origin) * scale, (span.stop - origin) * scale)
