"""The arithmetic of overlapping tiles: plain numbers, no pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

EDGE_PAD = 32
"""The most LR pixels read beyond the picture if fewer will do: they are invented, and cost time."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """One tile along one axis, in LR pixels: read [read_start, read_stop), keep [start, stop)."""

    start: int
    stop: int
    read_start: int
    read_stop: int


@dataclass(frozen=True)
class Tile:
    rows: Span
    columns: Span


def spans(
    length: int,
    *,
    tile_size: int,
    tile_pad: int,
    multiple_of: int = 1,
    grid: int = 1,
    border: int = 0,
) -> list[Span]:
    """Cover [0, length) by equal parts of at most `tile_size`, each with pads.

    Reads reach beyond the picture, which is mirrored there, in tiles as far as in the whole. They
    start and stop at multiples of `multiple_of`, so that a network that works on blocks sees the
    same blocks in both. The parts are cut at multiples of `grid` too. `border` is what a network's
    result lacks at each side of a read (see `ModelSpec.border`), which therefore reaches as far.
    """
    edge_pad = max(border, min(tile_pad, EDGE_PAD))
    count = -(-length // tile_size)
    edges = [length * i // count for i in range(count + 1)]
    grid = math.lcm(grid, multiple_of)
    edges[1:-1] = [edge - edge % grid for edge in edges[1:-1]]
    cover: list[Span] = []
    for start, stop in pairwise(edges):
        if start == stop:
            continue
        read_start = max(start - tile_pad, -edge_pad)
        read_stop = min(stop + tile_pad, length + edge_pad)
        cover.append(
            Span(
                start=start,
                stop=stop,
                read_start=read_start - read_start % multiple_of,
                read_stop=read_stop + -read_stop % multiple_of,
            )
        )
    return cover


def tiles(
    height: int,
    width: int,
    *,
    tile_size: int,
    tile_pad: int,
    multiple_of: int = 1,
    grid: int = 1,
    border: int = 0,
) -> Iterator[Tile]:
    """Yield every tile of a picture, row by row."""
    cover = partial(
        spans,
        tile_size=tile_size,
        tile_pad=tile_pad,
        multiple_of=multiple_of,
        grid=grid,
        border=border,
    )
    columns = cover(width)
    for rows in cover(height):
        for column in columns:
            yield Tile(rows, column)
