"""What a picture's header tells, without decoding any pixel."""

from __future__ import annotations

import io

from PIL import Image

from backend.errors import ImageError, ImageTooLargeError, UnsupportedMediaTypeError
from backend.formats import JPEG, READABLE, format_from_signature, labels
from backend.images import BOMB_ERRORS, DECODE_ERRORS
from backend.jpeg_tables import estimated_quality

ORIENTATION = 0x0112
TURNED = (5, 6, 7, 8)
"""Orientations that exchange width and height."""


def read_header(data: bytes, *, max_side: int | None = None) -> tuple[tuple[int, int], int | None]:
    """(width, height) of the upright picture, and the quality its JPEG was saved at.

    UnsupportedMediaTypeError, ImageTooLargeError, or ImageError for a damaged header.
    """
    found = format_from_signature(data)
    if found is None or not found.is_readable:
        raise UnsupportedMediaTypeError.not_a_picture(labels(READABLE))
    try:
        with Image.open(io.BytesIO(data), formats=[found.pillow_name]) as opened:
            width, height = opened.size
            if max_side is not None and max(width, height) > max_side:
                raise ImageTooLargeError.input(width, height, max_side=max_side)
            if opened.getexif().get(ORIENTATION) in TURNED:
                width, height = height, width
            tables = getattr(opened, "quantization", {}) if found is JPEG else {}
            return (width, height), estimated_quality(tables)
    except (*BOMB_ERRORS, *DECODE_ERRORS) as exc:
        raise ImageError() from exc
