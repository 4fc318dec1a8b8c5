"""Facts from a picture's header, without decoding any pixel."""

from __future__ import annotations

import io

from PIL import Image

from backend.errors import ImageError
from backend.images.decode import DECODE_ERRORS, examine
from backend.images.formats import JPEG, format_from_signature
from backend.images.jpeg_quality import estimated_quality
from backend.images.segments.exif import QUARTER_TURNS
from backend.images.segments.limits import BOMB_ERRORS


def read_header(data: bytes, *, max_side: int) -> tuple[tuple[int, int], int | None]:
    """Return (width, height) of the upright picture, and the quality its JPEG was saved at.

    Raises as `decode` does, except for damaged pixels.
    """
    lean = examine(data, max_side=max_side)
    width, height = lean.size
    if lean.orientation in QUARTER_TURNS:
        width, height = height, width
    if lean.file_format is not JPEG:
        return (width, height), None
    try:
        with Image.open(io.BytesIO(lean.data), formats=[JPEG.pillow_name]) as opened:
            return (width, height), estimated_quality(getattr(opened, "quantization", {}))
    except (*BOMB_ERRORS, *DECODE_ERRORS) as exc:
        raise ImageError from exc


def may_be_transparent(data: bytes) -> bool:
    """Return whether the header allows transparent pixels; True if it cannot be read."""
    found = format_from_signature(data)
    if found is None:
        return True
    try:
        with Image.open(io.BytesIO(data), formats=[found.pillow_name]) as opened:
            return opened.has_transparency_data or "transparency" in opened.info
    except (*BOMB_ERRORS, *DECODE_ERRORS):
        return True
