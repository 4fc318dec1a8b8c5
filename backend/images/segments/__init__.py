"""Walks over the bytes of picture files, before any decoder sees them.

One module a container walks its segments, chunks or boxes with bounds, and answers a lean file:
what the pixels need, and nothing that a decoder could be kept busy with. Every walk takes time
in proportion to the file's length at most, and far less for files as cameras and programs write
them.
"""

from backend.images.segments.lean_file import LeanFile
from backend.images.segments.walkers import lean_file

__all__ = ["LeanFile", "lean_file"]
