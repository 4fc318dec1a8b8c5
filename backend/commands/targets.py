"""Which files are read and where each result goes: paths only, no pixels."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from backend.errors import RequestError
from backend.images.formats import FORMATS, INPUT_SUFFIXES, RESULT_FORMATS
from backend.options import UpscaleOptions


@dataclass(frozen=True, kw_only=True)
class Job:
    """One picture to read, and where its result goes."""

    source: Path
    folder: Path
    name: str | None = None
    """The result's file name, when the caller chose it."""

    def target(self, options: UpscaleOptions, *, format: str) -> Path:
        """Return `photo_x2.png` in the folder, or the name that the caller chose."""
        enlarged = f"x{options.scale}" if options.size is None else options.size.label
        suffix = FORMATS[format].suffix
        return self.folder / (self.name or f"{self.source.stem}_{enlarged}{suffix}")


def expanded(inputs: Sequence[Path]) -> Iterator[Path]:
    """Yield the files that `*.jpg` means: the shells of Windows leave that to the program."""
    for path in inputs:
        found = [] if path.exists() else sorted(map(Path, glob(str(path))))  # noqa: PTH207
        yield from found or [path]


def chosen_format(output: str, *, is_file: bool, requested: str) -> str:
    """The request's format, or OUT's ending for `auto`; RequestError when they disagree."""
    if not is_file:
        return requested
    by_ending = RESULT_FORMATS[Path(output).suffix.lower()]
    if requested not in ("auto", by_ending.name):
        raise RequestError(
            f"'{Path(output).name}' does not end as a {FORMATS[requested].label} file does; leave "
            "out --format or choose another name."
        )
    return by_ending.name


def is_file_output(inputs: Sequence[Path], output: str) -> bool:
    """Whether OUT is a file's name; RequestError where it could be neither."""
    path = Path(output)
    suffix = path.suffix.lower()
    if path.is_dir() or output.endswith(("/", os.sep)):
        return False
    if path.exists() and suffix not in RESULT_FORMATS:
        raise RequestError(f"'{path.name}' is a file, and neither a folder nor a result's name.")
    if not suffix:
        return False
    if suffix in RESULT_FORMATS and (len(inputs) > 1 or inputs[0].is_dir()):
        raise RequestError("Several pictures need a folder as OUT, not a file.")
    if suffix not in RESULT_FORMATS and len(inputs) == 1 and not inputs[0].is_dir():
        known = ", ".join(RESULT_FORMATS)
        raise RequestError(
            f"'{path.name}' is no result's name: those end in {known}. For a folder, end it in '/'."
        )
    return suffix in RESULT_FORMATS


def jobs(inputs: Sequence[Path], output: str, *, recursive: bool) -> Iterator[Job]:
    """In the order given, folders sorted by name."""
    out = Path(output)
    is_file = is_file_output(inputs, output)
    for path in inputs:
        if not path.is_dir():
            folder = out.parent if is_file else out
            yield Job(source=path, folder=folder, name=out.name if is_file else None)
            continue
        found = path.rglob("*") if recursive else path.iterdir()
        for each in sorted(found):
            if each.suffix.lower() in INPUT_SUFFIXES and each.is_file():
                yield Job(source=each, folder=out / each.parent.relative_to(path))
