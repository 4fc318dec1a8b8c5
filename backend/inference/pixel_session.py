"""Enlargement by hard pixels, which pixel art is made of."""

from __future__ import annotations

from backend.images.picture import RgbImage
from backend.models.manifest import ModelSpec


class PixelSession:
    """An `upscaler.Session` that repeats every pixel."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    def run(self, lr: RgbImage, *, cleanup_level: float) -> RgbImage:  # noqa: ARG002
        """See `upscaler.Session`; there is nothing to clean up."""
        return lr.repeat(self.spec.scale, axis=0).repeat(self.spec.scale, axis=1)
