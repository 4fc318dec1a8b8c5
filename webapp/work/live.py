"""A picture while it is enhanced: a first look at the whole, then its finished pieces."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from backend.engine import Box, Piece
from backend.errors import SuperResolutionError
from webapp.base import side
from webapp.base.files import Disk, StoredFile
from webapp.intake.pictures import image_from
from webapp.work.jobs import Job
from webapp.work.progress import Estimate

LIVE_PATH = "live"


@dataclass(frozen=True, kw_only=True)
class StoredPiece:
    """A finished part of a result, as bytes of its pixels on the disk."""

    box: Box
    """Its place, in pixels of the result."""
    pixels: StoredFile
    shape: tuple[int, int, int]

    def webp(self, *, reduced_by: int = 1) -> bytes:
        """Encode it for a browser; every pixel without loss, or reduced as often as is asked."""
        pixels = self.pixels.map(self.shape)
        image = Image.fromarray(np.ascontiguousarray(pixels))
        if reduced_by == 1:
            return side.webp(image)
        return side.webp(image.reduce(reduced_by), quality=side.HIGH_QUALITY)


@dataclass(kw_only=True, eq=False)
class Live:
    """The work for one request, as visible to the browsers that wait for it."""

    disk: Disk
    size: tuple[int, int]
    """(width, height) of the result."""
    estimate: Estimate
    detailed: tuple[float, float]
    """The place of the input with the most detail, as fractions of its width and height."""
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    job: Job | None = None
    """The work itself, once it has begun."""
    look_job: Job | None = None
    look: StoredFile | None = None
    """A quickly made file of the whole result, in its proportions."""
    pieces: list[StoredPiece] = field(default_factory=list)
    sight: Box | None = None
    """The part of the result that a visitor looks at."""
    _asked: tuple[int, int] = (0, 0)
    """(width, height) of the whole picture, known with the first piece."""

    def add(self, piece: Piece) -> None:
        """Keep a finished piece; if the disk is full, visitors wait for the whole."""
        image = side.displayable(image_from(piece.picture))
        # The last network's answer may be reduced to the result's size.
        across, down = (mine / its for mine, its in zip(self.size, piece.size, strict=True))
        left, top, right, bottom = piece.box
        place = round(left * across), round(top * down), round(right * across), round(bottom * down)
        try:
            pixels = self.disk.store(image.tobytes())
        except SuperResolutionError:
            return
        channels = len(image.getbands())
        shape = image.height, image.width, channels
        self.pieces.append(StoredPiece(box=place, pixels=pixels, shape=shape))

    def next(self, places: Sequence[Box]) -> int:
        """Return the place to do next: visible ones first, from the middle outwards."""
        if self._asked == (0, 0):
            self._asked = max(place[2] for place in places), max(place[3] for place in places)
        width, height = self._asked
        if self.sight is None:
            x, y = self.detailed[0] * width, self.detailed[1] * height
            sight = (x, y, x, y)
        else:
            across, down = width / self.size[0], height / self.size[1]
            left, top, right, bottom = self.sight
            sight = (left * across, top * down, right * across, bottom * down)
        middle = (sight[0] + sight[2]) / 2, (sight[1] + sight[3]) / 2

        def distance(place: Box) -> tuple[bool, float]:
            left, top, right, bottom = place
            is_seen = left < sight[2] and right > sight[0] and top < sight[3] and bottom > sight[1]
            across, down = (left + right) / 2 - middle[0], (top + bottom) / 2 - middle[1]
            return not is_seen, across**2 + down**2

        return min(range(len(places)), key=lambda index: distance(places[index]))
