"""A folder with pictures or results, whole after any end of the process that writes it.

A result's metadata is in a file of its own, `_done/KEY.json`, so that a later run need not open the
picture. A result is replaced in three steps: the old file is removed, the new metadata is written,
and the new file is renamed. A process that is killed between them leaves metadata without a result,
which does not count.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from backend.bulk.file_names import file_name, folder_address
from backend.bulk.files import Listing, part_name, read_file, remove_abandoned_parts
from backend.bulk.store import Content, Item, LeftOut
from backend.errors import SuperResolutionError
from backend.images.filenames import MAX_NAME_BYTES, shortened

RECORDS = "_done"
PARTS = "_part"
"""Temporary files, by names that tell the writing process and machine."""
SIZE = "size"


class FolderStore:
    """A `Store`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._listing = Listing(self._folder)

    @property
    def address(self) -> str:
        return folder_address(self._folder)

    @property
    def left_out(self) -> LeftOut:
        return self._listing.left_out

    def list(self) -> Iterator[Item]:
        self._listing = Listing(self._folder)
        return iter(self._listing)

    def read(self, key: str, *, max_bytes: int, unless: str | None = None) -> Content | None:
        return read_file(self._path(key), max_bytes=max_bytes, unless=unless)

    def head(self, key: str) -> Mapping[str, str] | None:
        try:
            metadata = json.loads(self._record(key).read_bytes())
            is_whole = self._path(key).stat().st_size == metadata.pop(SIZE)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return metadata if is_whole else None

    def write(
        self,
        key: str,
        data: bytes,
        *,
        media_type: str,  # noqa: ARG002 - a file's name says it
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        path = self._path(key)
        try:
            with self._part(data) as part:
                path.parent.mkdir(parents=True, exist_ok=True)
                if metadata is not None:
                    path.unlink(missing_ok=True)
                    self._write_record(key, {**metadata, SIZE: len(data)})
                part.replace(path)
        except OSError as exc:
            raise SuperResolutionError(f"The result could not be stored: {exc.strerror}.") from exc

    def remove_abandoned_parts(self) -> None:
        """Delete what runs on this machine left behind when they were killed."""
        remove_abandoned_parts(self._folder / PARTS, start="", end="")

    def _path(self, key: str) -> Path:
        return self._folder.joinpath(*(_fitting_name(part) for part in key.split("/")))

    def _record(self, key: str) -> Path:
        return self._path(f"{RECORDS}/{key}.json")

    def _write_record(self, key: str, record: Mapping[str, object]) -> None:
        path = self._record(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._part(json.dumps(record).encode()) as part:
            part.replace(path)

    @contextlib.contextmanager
    def _part(self, data: bytes) -> Iterator[Path]:
        """Write a whole file under a temporary name; it is removed unless it was renamed."""
        parts = self._folder / PARTS
        parts.mkdir(parents=True, exist_ok=True)
        part = parts / part_name()
        try:
            part.write_bytes(data)
            yield part
        finally:
            part.unlink(missing_ok=True)


def _fitting_name(part: str) -> str:
    """Return the file name for a part of a key; one that is too long ends in its digest."""
    name = file_name(part)
    if len(os.fsencode(name)) <= MAX_NAME_BYTES:
        return name
    digest = hashlib.blake2b(os.fsencode(name), digest_size=8).hexdigest()
    return shortened(name, f"-{digest}{PurePosixPath(name).suffix[:8]}")
