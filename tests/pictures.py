"""Small pictures as files."""

from __future__ import annotations

import io

from PIL import Image

from benchmarks.small_pictures import heic


def save(image: Image.Image, format: str, **options: object) -> bytes:
    """Return the picture in a file format, by Pillow's name of it."""
    if format == "HEIF":
        return heic(image, **options)
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def gradient_png(width: int, height: int) -> bytes:
    """Return grey levels in RGB."""
    return save(Image.linear_gradient("L").resize((width, height)).convert("RGB"), "PNG")
