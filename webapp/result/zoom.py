"""Every pixel of a large picture, piece by piece, wherever a visitor looks closely.

The slider gets a reduced picture. When a visitor zooms further, the browser asks for the visible
pieces. The first one decodes the file once, into pixels on the disk, from which the others are
read.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from backend.engine import Box
from backend.inference.allocator import give_back_memory
from webapp.base import side
from webapp.base.files import Disk, StoredFile

TILE_SIDE = 1024
"""The side of a piece, in pixels of the result or of its input."""
MAX_DECODED = 4
"""The number of pictures of all visitors with pixels on the disk; the least recently used goes
first.
"""
STRIP_ROWS = 256

Key = tuple[str, str]
"""A download's secret, and the side of the slider."""


@dataclass(frozen=True, kw_only=True)
class Pixels:
    """A decoded picture on the disk."""

    file: StoredFile
    shape: tuple[int, int, int]
    """(height, width, channels)."""
    profile: bytes | None

    def piece(self, box: Box) -> bytes:
        """Encode a lossless WebP; the box may reach over the border."""
        left, top, right, bottom = box
        pixels = self.file.map(self.shape)[top:bottom, left:right]
        return side.webp(Image.fromarray(np.ascontiguousarray(pixels)), self.profile)


class DecodedPictures:
    """The decoded pictures of the whole process; may be used by several threads."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        # Reentrant: a download may be collected, and call `forget`, at any moment.
        self._lock = threading.RLock()
        self._decoding = threading.Lock()
        self._decoded: OrderedDict[Key, Pixels] = OrderedDict()

    def find(self, key: Key) -> Pixels | None:
        """Return a picture that was decoded before, if it is still there."""
        with self._lock:
            if key in self._decoded:
                self._decoded.move_to_end(key)
            return self._decoded.get(key)

    def pixels(self, key: Key, *, decode: Callable[[], Image.Image]) -> Pixels:
        """Return the picture that `decode` gives, decoded once.

        Raise StorageFullError if there is no room for its pixels.
        """
        with self._decoding:  # one at a time: decoding a large picture takes memory
            found = self.find(key)
            if found is None:
                with self._lock:
                    while len(self._decoded) >= MAX_DECODED:
                        self._decoded.popitem(last=False)
                found = self._store(side.displayable(decode()))
                with self._lock:
                    self._decoded[key] = found
                give_back_memory()
            return found

    def forget(self, secret: str) -> None:
        """Forget the pixels of a download that is gone."""
        with self._lock:
            for key in [each for each in self._decoded if each[0] == secret]:
                del self._decoded[key]

    def _store(self, image: Image.Image) -> Pixels:
        with self._disk.writing() as writer:
            for top in range(0, image.height, STRIP_ROWS):
                strip = image.crop((0, top, image.width, min(top + STRIP_ROWS, image.height)))
                writer.write(strip.tobytes())
            return Pixels(
                file=writer.close(),
                shape=(image.height, image.width, len(image.getbands())),
                profile=side.rgb_profile(image),
            )


def box_from(column: int, row: int) -> Box:
    """Return the place of a piece, in pixels of its picture."""
    left, top = column * TILE_SIDE, row * TILE_SIDE
    return left, top, left + TILE_SIDE, top + TILE_SIDE
