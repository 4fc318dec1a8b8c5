"""Names of picture files and of their results: one rule for every face."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from backend.images.formats import INPUT_SUFFIXES

MAX_NAME_BYTES = 255
"""The longest name of a file on the systems in use."""
TWIN = "._"
"""The prefix of the files in which macOS keeps attributes on other file systems."""
_RESULT_STEM = re.compile(r"(.+)([_-]x[0-9]{1,2}(\.[0-9]+)?|_[0-9]+(w|h|x[0-9]+))", re.DOTALL)


def is_picture(key: str) -> bool:
    """Return whether a file with this name, or object with this key, may be a picture."""
    path = PurePosixPath(key)
    return path.suffix.lower() in INPUT_SUFFIXES and not path.name.startswith(TWIN)


def pictures_among(keys: Iterable[str]) -> list[str]:
    """Return the pictures among files that lie together, in their order.

    `a_x2.png` is the result of an earlier run where `a.jpg` lies beside it, and no picture.
    """
    found = [key for key in keys if is_picture(key)]
    sources = {name.lower() for key in found for name in (key, _stem(key))}
    return [key for key in found if not _is_result(key, sources)]


def namesakes(keys: Sequence[str]) -> set[str]:
    """Return the files whose names differ from another's only by suffix or case."""
    counts = Counter(_stem(key).lower() for key in set(keys))
    return {key for key in keys if counts[_stem(key).lower()] > 1}


def result_name(name: str, *, label: str, suffix: str, has_namesake: bool = False) -> str:
    """Return `photo_x2.png` for `photo.jpg` and the label `x2`.

    With a namesake in its folder, as `photo.bmp`, it is `photo.jpg_x2.png`, unless the picture's
    own ending is that of the result.
    """
    path = PurePosixPath(name)
    stem = path.name if has_namesake and path.suffix != suffix else path.stem
    return shortened(stem, f"{mark(label)}{suffix}")


def mark(label: str) -> str:
    """Return the suffix of a result's stem, such as `_x2`."""
    return f"_{label}"


def shortened(stem: str, ending: str) -> str:
    """Return a name whose stem is cut to the longest that file systems allow."""
    while len(os.fsencode(stem + ending)) > MAX_NAME_BYTES:
        stem = stem[:-1]
    return stem + ending


def _stem(key: str) -> str:
    return key.removesuffix(PurePosixPath(key).suffix)


def _is_result(key: str, sources: set[str]) -> bool:
    found = _RESULT_STEM.fullmatch(_stem(key))
    return found is not None and found[1].lower() in sources
