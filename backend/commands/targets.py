"""The files to read and the places of their results: paths only, no pixels."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from glob import glob
from pathlib import Path

from backend.bulk.files import Listing
from backend.errors import RequestError
from backend.images.filenames import namesakes, result_name
from backend.images.formats import FORMATS, RESULT_FORMATS
from backend.options import AUTO, UpscaleOptions

PIPE = "-"
"""Standard input as IN, or standard output as OUT."""
PIPED_NAME = "picture"
"""The name of a picture that comes from standard input."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One picture to read, and where its result goes."""

    key: str
    """The source as the caller named it."""
    folder: Path
    name: str | None = None
    """The result's file name, when the caller chose it."""
    problem: str | None = None
    """The error sentence of a listed item that cannot be read."""
    has_namesake: bool = False
    """True if another format with the same stem has its result in the same folder."""

    @property
    def is_piped(self) -> bool:
        """True if the picture comes from standard input."""
        return self.key == PIPE

    @property
    def source(self) -> Path:
        """The file to read."""
        return Path(PIPED_NAME if self.is_piped else self.key)

    def target(self, options: UpscaleOptions, *, format: str) -> Path:
        """Return `photo_x2.png` in the folder, or the name that the caller chose."""
        return self.folder / (
            self.name
            or result_name(
                self.source.name,
                label=f"x{options.scale}" if options.size is None else options.size.label,
                suffix=FORMATS[format].suffix,
                has_namesake=self.has_namesake,
            )
        )


def expanded(inputs: Sequence[str]) -> list[str]:
    """Return each input once; patterns such as `*.jpg`, which Windows does not expand, are
    expanded.
    """
    names: list[str] = []
    for given in inputs:
        found = [] if os.path.exists(given) else sorted(glob(given))  # noqa: PTH110, PTH207
        names += found or [given]
    once: dict[int | str, str] = {}
    for number, name in enumerate(names):
        once.setdefault(number if name == PIPE else _place(name), name)
    return list(once.values())


def chosen_format(output: str, *, is_file: bool, requested: str) -> str:
    """Return the request's format, or OUT's for `auto`; raise RequestError if they disagree."""
    if not is_file:
        return requested
    by_ending = RESULT_FORMATS[Path(output).suffix.lower()]
    if requested not in (AUTO, by_ending.name):
        raise RequestError(
            f"'{Path(output).name}' does not end as a {FORMATS[requested].label} file does; leave "
            "out --format or choose another name."
        )
    return by_ending.name


def is_file_output(inputs: Sequence[str], output: str) -> bool:
    """Return whether OUT names a file; raise RequestError if that is unclear."""
    path = Path(output)
    suffix = path.suffix.lower()
    is_one_file = len(inputs) == 1 and not _is_folder(inputs[0])
    if output == PIPE:
        if not is_one_file:
            raise RequestError("Only one picture can go to standard output.")
        return False
    # Unlike those of `Path`, these functions know that no file has a name that is too long.
    if os.path.isdir(output) or output.endswith(("/", os.sep)):  # noqa: PTH112
        return False
    if os.path.exists(output) and suffix not in RESULT_FORMATS:  # noqa: PTH110
        raise RequestError(f"'{path.name}' is a file that is neither a folder nor a picture.")
    if not suffix:
        return False
    if suffix in RESULT_FORMATS and not is_one_file:
        raise RequestError("Several pictures need a folder as OUT, not a file.")
    if suffix not in RESULT_FORMATS and is_one_file:
        known = ", ".join(RESULT_FORMATS)
        raise RequestError(
            f"Output names must end in {known}, and '{path.name}' does not. For a folder, end it "
            "in '/'."
        )
    return suffix in RESULT_FORMATS


def tasks_from(
    inputs: Sequence[str], output: str, *, is_file: bool, recursive: bool
) -> tuple[list[Task], int]:
    """Return the tasks, and the number of files in the folders that are not pictures.

    They are in the order given, those of folders by name. Raise RequestError for `-` twice.
    """
    if inputs.count(PIPE) > 1:
        raise RequestError("Standard input is one picture; name '-' once.")
    out = Path(output)
    tasks: list[Task] = []
    left_out = 0
    for given in inputs:
        if _is_folder(given):
            without = None if out.resolve() == Path(given).resolve() else out
            listing = Listing(Path(given), is_recursive=recursive, without=without)
            tasks += _tasks_below(given, listing, out)
            left_out += listing.left_out.number
        else:
            folder = out.parent if is_file else out
            tasks.append(Task(key=given, folder=folder, name=out.name if is_file else None))
    once: dict[tuple[str, Path], Task] = {}
    for task in tasks:
        once.setdefault((_place(task.key), task.folder), task)
    return _with_namesakes(list(once.values())), left_out


def _place(given: str) -> str:
    """Return the same path for every spelling; links are not followed."""
    return given if given == PIPE else os.path.normcase(os.path.abspath(given))  # noqa: PTH100


def _is_folder(given: str) -> bool:
    return given != PIPE and os.path.isdir(given)  # noqa: PTH112


def _tasks_below(given: str, listing: Listing, out: Path) -> Iterator[Task]:
    for item in listing:
        yield Task(
            key=str(Path(given) / item.key),
            folder=out / Path(item.key).parent,
            problem=item.problem,
        )


def _with_namesakes(tasks: Sequence[Task]) -> list[Task]:
    names = [(task.folder / task.source.name).as_posix() for task in tasks]
    found = namesakes(names)
    return [
        replace(task, has_namesake=name in found) for task, name in zip(tasks, names, strict=True)
    ]
