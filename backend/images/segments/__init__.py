"""Walks over the bytes of picture files, before any decoder sees them.

One module per container walks its segments, chunks or boxes within limits, and returns a lean file:
only what the pixels need. Every walk takes time in proportion to the file's length at most, and far
less for files as cameras and programs write them.
"""

from collections.abc import Callable, Mapping

from backend.images.formats import JPEG, PNG, FileFormat
from backend.images.segments.jpeg import lean_jpeg
from backend.images.segments.lean_file import LeanFile
from backend.images.segments.opened import OPENED
from backend.images.segments.png import lean_png

__all__ = ["LeanFile", "lean_file"]
_READERS: Mapping[str, Callable[[bytes], LeanFile]] = {
    JPEG.name: lean_jpeg,
    PNG.name: lean_png,
    **OPENED,
}


def lean_file(data: bytes, *, file_format: FileFormat) -> LeanFile:
    """Return the file without what its pixels do not need.

    Where the format has no walker here it is the whole file. Raise ImageError if it is damaged or
    has more parts than any program writes, UnsupportedMediaTypeError for a kind that is not read.
    """
    return _READERS[file_format.name](data)
