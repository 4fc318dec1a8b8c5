"""The walker of each container."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backend.containers.bmp import lean_bmp
from backend.containers.jpeg import lean_jpeg
from backend.containers.lean_file import LeanFile
from backend.containers.opened import opened_file
from backend.containers.png import lean_png
from backend.formats import BMP, FORMATS, JPEG, PNG

_WALKERS: Mapping[str, Callable[[bytes], LeanFile]] = {JPEG.name: lean_jpeg, PNG.name: lean_png}


def lean_file(data: bytes, *, name: str, max_side: int) -> LeanFile:
    """The file of the format `name` without what its pixels do not need.

    Where the format has no walker here it is the whole file.

    ImageError when it is damaged, or has more parts than any program writes.
    """
    if name == BMP.name:
        return lean_bmp(data, max_side=max_side)
    walk = _WALKERS.get(name)
    return opened_file(data, file_format=FORMATS[name]) if walk is None else walk(data)
