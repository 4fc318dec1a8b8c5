"""The walker of each container."""

from __future__ import annotations

from backend.images.formats import JPEG, PNG, FileFormat
from backend.images.segments.jpeg import lean_jpeg
from backend.images.segments.lean_file import LeanFile
from backend.images.segments.opened import opened_file
from backend.images.segments.png import lean_png


def lean_file(data: bytes, *, file_format: FileFormat) -> LeanFile:
    """Return the file without what its pixels do not need.

    Where the format has no walker here it is the whole file. ImageError when it is damaged, or has
    more parts than any program writes; UnsupportedMediaTypeError for a kind that is not read.
    """
    if file_format is JPEG:
        return lean_jpeg(data)
    if file_format is PNG:
        return lean_png(data)
    return opened_file(data, file_format=file_format)
