"""Pictures in folders: listed by one rule, read with clear errors, written whole."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import socket
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

from backend.bulk.store import Content, Item, LeftOut
from backend.errors import (
    PayloadTooLargeError,
    SourceNotFoundError,
    SourceUnreachableError,
    SuperResolutionError,
)
from backend.images.filenames import pictures_among
from backend.processes import is_running

HIDDEN, PART = ".", ".part"
"""The beginning and the end of the name of a temporary file beside its result."""
ERRORS_OF_ONE_FILE = frozenset(
    {
        errno.ENOENT,
        errno.EACCES,
        errno.EPERM,
        errno.ELOOP,
        errno.EISDIR,
        errno.ENAMETOOLONG,
        errno.EINVAL,  # Windows has no such names
    }
)
"""System errors about one file, which say nothing about the others."""


class Listing:
    """The pictures below a folder, without holding more than one branch's names."""

    def __init__(self, folder: Path, *, is_recursive: bool = True, without: Path | None = None):
        """Leave out the folder `without`, where results are."""
        self._folder = folder
        self._is_recursive = is_recursive
        self._without = without and without.resolve()
        self.left_out = LeftOut()

    def __iter__(self) -> Iterator[Item]:
        """List sorted; raise SourceUnreachableError if the folder itself cannot be read."""
        try:
            entries = os.scandir(self._folder)
        except OSError as exc:
            raise SourceUnreachableError(
                f"The folder '{self._folder}' cannot be read: {exc.strerror}."
            ) from exc
        yield from self._entries(entries, self._folder, "")

    def _entries(
        self, entries: Iterator[os.DirEntry[str]], folder: Path, prefix: str
    ) -> Iterator[Item]:
        names: dict[bool, list[str]] = {True: [], False: []}
        for entry in entries:
            names[entry.is_dir(follow_symlinks=False)].append(entry.name)
        pictures = pictures_among(sorted(names[False]))
        self.left_out.add([prefix + name for name in sorted({*names[False]} - {*pictures})])
        for name in pictures:
            try:
                yield Item(prefix + name, version_from((folder / name).stat()))
            except FileNotFoundError:
                self.left_out.add([prefix + name])
            except OSError as exc:
                yield Item(prefix + name, problem=f"The file cannot be read: {exc.strerror}.")
        for name in sorted(names[True]) if self._is_recursive else ():
            if self._without is not None and (folder / name).resolve() == self._without:
                continue
            try:
                below = os.scandir(folder / name)
            except OSError as exc:
                yield Item(prefix + name, problem=f"The folder cannot be read: {exc.strerror}.")
                continue
            yield from self._entries(below, folder / name, f"{prefix}{name}/")


def read_file(path: Path, *, max_bytes: int, unless: str | None = None) -> Content | None:
    """Return the bytes, or None if the file's version is still `unless`.

    Raise PayloadTooLargeError or SourceNotFoundError for this file alone, or
    SourceUnreachableError.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise SourceNotFoundError("This is a folder, a pipe or a device, not a picture.")
        with path.open("rb") as file:
            version = version_from(os.fstat(file.fileno()))
            if version == unless:
                return None
            data = file.read(max_bytes + 1)
    except OSError as exc:
        if exc.errno in ERRORS_OF_ONE_FILE:
            raise SourceNotFoundError(f"{exc.strerror}.") from exc
        raise SourceUnreachableError(f"The file cannot be read: {exc.strerror}.") from exc
    if len(data) > max_bytes:
        raise PayloadTooLargeError.over(max_bytes, what="picture")
    return Content(data=data, version=version)


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield an empty file beside the path, to be filled and renamed; otherwise it is removed.

    Raise SuperResolutionError, which names the path, if it cannot be written.
    """
    part = path.with_name(f"{HIDDEN}{part_name()}{PART}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.touch()
            yield part
        finally:
            part.unlink(missing_ok=True)
    except OSError as exc:
        raise SuperResolutionError(f"'{path}' cannot be written: {exc.strerror}.") from exc


def part_name() -> str:
    """Return a name for a temporary file, which tells the writing machine and process."""
    return f"{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex}"


def remove_abandoned_parts(folder: Path, *, start: str = HIDDEN, end: str = PART) -> None:
    """Delete the files of this machine's dead processes; those of others may be in use."""
    own = f"{start}{socket.gethostname()}."
    with contextlib.suppress(OSError):  # a folder that cannot be read is told when it is written to
        for part in folder.glob(f"{glob.escape(own)}*.*{end}"):
            process = part.name.removeprefix(own).partition(".")[0]
            if process.isdecimal() and is_running(int(process)) is False:
                part.unlink(missing_ok=True)


def version_from(about: os.stat_result) -> str:
    """Return a text that changes with a file's contents."""
    return f"{about.st_size}-{about.st_mtime_ns}"
