"""Pixels through a network, tile by tile."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import count
from typing import Protocol

import numpy as np

from backend.engine import Piece, Watch
from backend.images.picture import Picture, Plane, RgbImage, crop, local_range
from backend.inference.means import BLOCK, keep_means
from backend.inference.mosaic import kept_part, place_of, read_tile
from backend.inference.tiles import Tile, tiles
from backend.models.manifest import ModelSpec


class Session(Protocol):
    """A loaded network, as the upscaler needs it; `onnx_session.OrtSession` is the usual one."""

    @property
    def spec(self) -> ModelSpec: ...

    def run(self, lr: RgbImage, *, cleanup_level: float) -> RgbImage:
        """(H, W, 3) uint8 -> ((H - 2 b) * scale, (W - 2 b) * scale, 3) uint8; b is `spec.border`.

        `cleanup_level` is in [0, 1].
        """
        ...


class PixelSession:
    """A `Session` that repeats every pixel, which pixel art is made of."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    def run(self, lr: RgbImage, *, cleanup_level: float) -> RgbImage:  # noqa: ARG002
        """See `Session`; there is nothing to clean up."""
        return lr.repeat(self.spec.scale, axis=0).repeat(self.spec.scale, axis=1)


class Upscaler:
    """Runs one network over whole pictures; float data never exceeds one tile."""

    def __init__(
        self,
        session: Session,
        *,
        tile_size: int,
        turn: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """`turn` is entered for every run of the network, and may wait."""
        self._session = session
        self._tile_size = tile_size
        self._turn = turn

    def upscale(
        self,
        picture: Picture,
        *,
        cleanup_level: float = 0.0,
        watch: Watch = Watch(),
    ) -> Picture:
        """Return the picture at exactly `scale` times its size; stops as `Watch.check` says.

        Pieces are done in the order of `watch.next_piece`.
        """
        spec = self._session.spec
        scale = spec.scale
        width, height = picture.size
        cuts = self._tiles(picture.size)
        places = [place_of(tile, scale=scale) for tile in cuts]
        alpha = None if picture.alpha is None else _Alpha(picture.alpha, scale=scale)
        total, done = len(cuts) * (1 if alpha is None else 2), count(1)
        rgb = np.empty((height * scale, width * scale, 3), np.uint8)
        sr = replace(picture, rgb=rgb, alpha=None if alpha is None else alpha.sr)

        def run(lr: RgbImage, tile: Tile, cleanup_level: float) -> RgbImage:
            watch.check()
            with self._turn():
                answer = self._session.run(read_tile(lr, tile), cleanup_level=cleanup_level)
            watch.on_progress(next(done), total)
            return kept_part(answer, tile, scale=scale, border=spec.border)

        while cuts:
            index = watch.next_piece(places)
            tile, at = cuts.pop(index), places.pop(index)
            inside = slice(at[1], at[3]), slice(at[0], at[2])
            answer = run(picture.rgb, tile, cleanup_level)
            rgb[inside] = keep_means(answer, picture.rgb[_covered(tile)], scale=scale)
            if alpha is not None:
                alpha.sr[inside] = alpha.bounded(run(alpha.gray, tile, 0.0), tile)
            watch.on_piece(Piece(box=at, picture=crop(sr, at), size=sr.size, model=spec.name))
        return sr

    def count(self, size: tuple[int, int]) -> int:
        """Return the number of tiles of a picture of (width, height)."""
        return len(self._tiles(size))

    def _tiles(self, size: tuple[int, int]) -> list[Tile]:
        width, height = size
        spec = self._session.spec
        return list(
            tiles(
                height,
                width,
                tile_size=self._tile_size,
                tile_pad=spec.receptive_radius,
                multiple_of=spec.multiple_of,
                grid=BLOCK,
                border=spec.border,
            )
        )


class _Alpha:
    """Transparency, upscaled as a grey picture.

    The result is kept between the darkest and lightest value near each pixel: opaque areas stay
    opaque, empty ones empty, and edges do not ring.
    """

    def __init__(self, alpha: Plane, *, scale: int) -> None:
        self.gray = np.repeat(alpha[:, :, np.newaxis], 3, axis=2)
        self.sr: Plane = np.empty([side * scale for side in alpha.shape], np.uint8)
        self._low, self._high = local_range(alpha)
        self._scale = scale

    def bounded(self, answer: RgbImage, tile: Tile) -> Plane:
        """Return a tile's transparency from the network's answer to `gray`."""
        low, high = self._low[_covered(tile)], self._high[_covered(tile)]
        sr = answer[:, :, 1].copy()
        blocks = sr.reshape(low.shape[0], self._scale, low.shape[1], self._scale)
        np.clip(blocks, low[:, None, :, None], high[:, None, :, None], out=blocks)
        return sr


def _covered(tile: Tile) -> tuple[slice, slice]:
    """Return the rows and columns of the picture that a tile's result covers."""
    return slice(tile.rows.start, tile.rows.stop), slice(tile.columns.start, tile.columns.stop)
