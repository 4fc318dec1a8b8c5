"""The walker of each container."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backend.images.formats import FORMATS, JPEG, PNG
from backend.images.segments.jpeg import lean_jpeg
from backend.images.segments.lean_file import LeanFile
from backend.images.segments.opened import opened_file
from backend.images.segments.png import lean_png

_WALKERS: Mapping[str, Callable[[bytes], LeanFile]] = {JPEG.name: lean_jpeg, PNG.name: lean_png}


def lean_file(data: bytes, *, name: str) -> LeanFile:
    """Return the file of the format `name` without what its pixels do not need.

    Where the format has no walker here it is the whole file. ImageError when it is damaged, or has
    more parts than any program writes; UnsupportedMediaTypeError for a kind that is not read.
    """
    walk = _WALKERS.get(name)
    return opened_file(data, file_format=FORMATS[name]) if walk is None else walk(data)
