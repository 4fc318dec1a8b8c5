"""Pixels through a network, tile by tile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from backend.engine import Watch
from backend.images.picture import Picture, Plane, RgbImage, local_range
from backend.inference.mosaic import mosaic
from backend.inference.tiles import Box, Tile, tiles
from backend.models.manifest import ModelSpec


class Session(Protocol):
    """What the upscaler needs of a loaded network; `session.OrtSession` is the real one."""

    @property
    def spec(self) -> ModelSpec: ...

    def run(self, lr: RgbImage, *, cleanup_level: float) -> RgbImage:
        """(H, W, 3) uint8 -> (H * scale, W * scale, 3) uint8; `cleanup_level` is in [0, 1]."""
        ...


class Upscaler:
    """Runs one network over whole pictures; float data never exceeds one tile."""

    def __init__(self, session: Session, *, tile_size: int) -> None:
        self._session = session
        self._tile_size = tile_size

    @property
    def scale(self) -> int:
        """The factor."""
        return self._session.spec.scale

    def upscale(
        self,
        picture: Picture,
        *,
        box: Box | None = None,
        cleanup_level: float = 0.0,
        watch: Watch = Watch(),
    ) -> Picture:
        """Exactly `scale` times the size; stops between tiles, see `Watch.check`.

        With a box only what is inside, with the pixels that it has in the whole.
        """
        height, width = picture.rgb.shape[:2]
        cuts = self._tiles(height, width, box)
        has_alpha = picture.alpha is not None
        total = len(cuts) * (2 if has_alpha else 1)
        done = 0

        def run(read: RgbImage, cleanup_level: float) -> RgbImage:
            nonlocal done
            watch.check()
            sr = self._session.run(read, cleanup_level=cleanup_level)
            done += 1
            watch.on_progress(done, total)
            return sr

        rgb = mosaic(picture.rgb, cuts, lambda read: run(read, cleanup_level), scale=self.scale)
        alpha = picture.alpha
        if alpha is not None:
            alpha = self._upscale_alpha(alpha, cuts, lambda read: run(read, 0.0), box=box)
        return replace(picture, rgb=rgb, alpha=alpha)

    def _tiles(self, height: int, width: int, box: Box | None) -> list[Tile]:
        spec = self._session.spec
        return list(
            tiles(
                height,
                width,
                tile_size=self._tile_size,
                tile_pad=spec.receptive_radius,
                multiple_of=spec.multiple_of,
                box=box,
            )
        )

    def _upscale_alpha(
        self,
        alpha: Plane,
        cuts: list[Tile],
        run: Callable[[RgbImage], RgbImage],
        *,
        box: Box | None,
    ) -> Plane:
        """As a grey picture, kept between the darkest and lightest value near each pixel.

        The bounds keep opaque areas opaque and empty ones empty, and allow no ringing.
        """
        scale = self.scale
        gray = np.repeat(alpha[:, :, np.newaxis], 3, axis=2)
        sr = mosaic(gray, cuts, run, scale=scale)[:, :, 1].copy()
        left, top, right, bottom = box or (0, 0, alpha.shape[1], alpha.shape[0])
        low, high = (plane[top:bottom, left:right] for plane in local_range(alpha))
        blocks = sr.reshape(bottom - top, scale, right - left, scale)
        np.clip(blocks, low[:, None, :, None], high[:, None, :, None], out=blocks)
        return sr
