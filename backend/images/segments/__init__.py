"""Walks over the bytes of picture files, before any decoder sees them.

One module per container walks its segments, chunks or boxes within limits, and returns a lean file:
only what the pixels need. Every walk takes time in proportion to the file's length at most, and far
less for files as cameras and programs write them.
"""

from backend.images.segments.lean_file import LeanFile
from backend.images.segments.walkers import lean_file

__all__ = ["LeanFile", "lean_file"]
