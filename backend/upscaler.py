"""Pixels through a network, tile by tile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from backend.errors import CancelledError
from backend.images import Picture, Plane, RgbImage, local_range
from backend.mosaic import mosaic
from backend.registry import ModelSpec
from backend.tiling import Tile, tiles


class Session(Protocol):
    """What the upscaler needs of a loaded network; `session.OrtSession` is the real one."""

    @property
    def spec(self) -> ModelSpec: ...

    def run(self, lr: RgbImage, *, cleanup: float) -> RgbImage:
        """(H, W, 3) uint8 -> (H * scale, W * scale, 3) uint8; `cleanup` in [0, 1], 0 is clean."""
        ...


Progress = Callable[[int, int], None]
"""Called after every tile with (done, total)."""


def ignore_progress(done: int, total: int) -> None:
    """For callers that do not watch."""


def never_cancelled() -> bool:
    """For callers that do not cancel."""
    return False


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
        cleanup: float = 0.0,
        on_progress: Progress = ignore_progress,
        is_cancelled: Callable[[], bool] = never_cancelled,
    ) -> Picture:
        """Exactly `scale` times the size; CancelledError between tiles when asked to stop."""
        height, width = picture.rgb.shape[:2]
        cuts = self._tiles(height, width)
        has_alpha = picture.alpha is not None
        total = len(cuts) * (2 if has_alpha else 1)
        done = 0

        def advance() -> None:
            nonlocal done
            done += 1
            on_progress(done, total)

        rgb = self._run(picture.rgb, cuts, cleanup, advance, is_cancelled)
        alpha = picture.alpha
        if alpha is not None:
            alpha = self._upscale_alpha(alpha, cuts, advance, is_cancelled)
        return replace(picture, rgb=rgb, alpha=alpha)

    def _tiles(self, height: int, width: int) -> list[Tile]:
        spec = self._session.spec
        return list(
            tiles(
                height,
                width,
                tile_size=self._tile_size,
                tile_pad=spec.receptive_radius,
                multiple_of=spec.multiple_of,
            )
        )

    def _run(
        self,
        lr: RgbImage,
        cuts: list[Tile],
        cleanup: float,
        advance: Callable[[], None],
        is_cancelled: Callable[[], bool],
    ) -> RgbImage:
        def run(read: RgbImage) -> RgbImage:
            if is_cancelled():
                raise CancelledError("The request was cancelled.")
            answer = self._session.run(read, cleanup=cleanup)
            advance()
            return answer

        return mosaic(lr, cuts, run, scale=self.scale)

    def _upscale_alpha(
        self,
        alpha: Plane,
        cuts: list[Tile],
        advance: Callable[[], None],
        is_cancelled: Callable[[], bool],
    ) -> Plane:
        """As a grey picture, kept between the darkest and lightest value near each pixel.

        The bounds keep opaque areas opaque and empty ones empty, and allow no ringing.
        """
        scale = self.scale
        gray = np.repeat(alpha[:, :, np.newaxis], 3, axis=2)
        sr = self._run(gray, cuts, 0.0, advance, is_cancelled)[:, :, 1].copy()
        low, high = local_range(alpha)
        blocks = sr.reshape(alpha.shape[0], scale, alpha.shape[1], scale)
        np.clip(blocks, low[:, None, :, None], high[:, None, :, None], out=blocks)
        return sr
