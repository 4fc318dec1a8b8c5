"""Limits of a walk over a file, and errors for files that are not read."""

from __future__ import annotations

import struct
import zlib

from PIL import Image

from backend.errors import ImageError, UnsupportedMediaTypeError

MAX_EXIF_BYTES = 64 * 2**10
"""The orientation is near the start in cameras' files."""
BROKEN_FILE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    RuntimeError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    ZeroDivisionError,
    struct.error,
    zlib.error,
)
"""The exceptions that Pillow raises on broken files."""
HEADER_ERRORS = (*BROKEN_FILE_ERRORS, AttributeError, AssertionError)
"""The same for broken headers."""
BOMB_ERRORS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def not_read(what: str) -> UnsupportedMediaTypeError:
    """Make the error for a whole file of a kind that is not read; `what` begins the sentence."""
    return UnsupportedMediaTypeError(
        f"{what} not read here; save the picture as a PNG or JPEG with 8 bits a channel."
    )


def camera_raw() -> UnsupportedMediaTypeError:
    """Make the error for a camera's raw file, whose only ready picture is a small preview."""
    return UnsupportedMediaTypeError(
        "This is a camera's raw file, which is not read here; export it as a JPEG or PNG."
    )


class Count:
    """A counter of the parts of one kind; the limit is more than any program writes."""

    def __init__(self, parts: str, *, limit: int) -> None:
        self._parts = parts
        self._limit = limit
        self._seen = 0

    def add(self, number: int = 1) -> None:
        """Count so many more; raise ImageError beyond the limit."""
        self._seen += number
        if self._seen > self._limit:
            raise ImageError(
                f"The picture's file has more than {self._limit:,} {self._parts}; save it again in "
                "an image editor.",
                limit=self._limit,
            )
