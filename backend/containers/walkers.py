"""The walker of each container."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backend.containers.bmp import lean_bmp
from backend.containers.jpeg import lean_jpeg
from backend.containers.lean_file import LeanFile
from backend.containers.png import lean_png

_WALKERS: Mapping[str, Callable[[bytes], LeanFile]] = {"jpeg": lean_jpeg, "png": lean_png}


def lean_file(data: bytes, *, name: str, max_side: int) -> LeanFile:
    """The file of the format `name` without what its pixels do not need.

    ImageError when it is damaged, or has more parts than any program writes.
    """
    if name == "bmp":
        return lean_bmp(data, max_side=max_side)
    return _WALKERS[name](data)
