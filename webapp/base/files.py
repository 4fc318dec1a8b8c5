"""Files that live as long as the objects that name them, in one private folder of the process.

Uploads and results are kept here and not in memory. A file is deleted with its last `StoredFile`,
the folder when the process ends, and the folder of a killed process when the next one starts.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from webapp.base.errors import StorageFullError

PREFIX = "super-resolution-page-"
LOCK = "lock"
CHUNK_BYTES = 2**20
ROOM_ERRORS = (errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.ENOSPC)


class StoredFile:
    """Bytes on disk; reading them is safe from any thread."""

    def __init__(self, path: Path, nbytes: int) -> None:
        self._path = path
        self.nbytes = nbytes

    def read(self) -> bytes:
        return self._path.read_bytes()

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes piece by piece; the file stays until the last one is taken."""
        with self._path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def map(self, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
        """Return all bytes as an array that is read from the disk on access."""
        return np.memmap(self._path, np.uint8, mode="r", shape=shape)


class Writer:
    """A file that is being written; it is discarded unless `close` makes it a `StoredFile`."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self._disk = disk
        self._path = path
        with _full_disk_named():
            self._file = path.open("xb")
        self.nbytes = 0

    def write(self, data: bytes) -> None:
        """Append data; raise StorageFullError if the folder has no room."""
        self._disk.reserve(len(data))
        self.nbytes += len(data)
        with _full_disk_named():
            self._file.write(data)

    def close(self) -> StoredFile:
        """Return the finished file; raise StorageFullError if its last bytes have no room."""
        with _full_disk_named():
            self._file.close()
        stored = StoredFile(self._path, self.nbytes)
        weakref.finalize(stored, self._disk.remove, self._path, self.nbytes)
        return stored

    def discard(self) -> None:
        """Forget what was written."""
        with suppress(OSError):  # buffered data may have no room on the disk
            self._file.close()
        self._disk.remove(self._path, self.nbytes)


@contextmanager
def _full_disk_named() -> Iterator[None]:
    """Raise StorageFullError if the system's disk has no room for a file."""
    try:
        yield
    except OSError as exc:
        if exc.errno in ROOM_ERRORS:
            raise StorageFullError() from exc
        raise


class Disk:
    """A private folder of at most `max_bytes` that only this process's user can read."""

    def __init__(self, *, max_bytes: int, parent: Path | None = None) -> None:
        parent = parent or Path(tempfile.gettempdir())
        remove_abandoned_folders(parent)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        lock = _lock_of(self.folder)
        lock.acquire()
        self._max_bytes = max_bytes
        # Reentrant: a file may be collected, and call `remove`, at any moment.
        self._lock = threading.RLock()
        self._nbytes = 0
        self._count = 0
        self._unwanted: dict[Path, int] = {}
        # A process that ends removes the folder, not its files one by one.
        self.close = weakref.finalize(self, _remove, self.folder, lock)
        """Delete everything: a process that a signal ends runs nothing of its own afterwards."""

    @property
    def nbytes(self) -> int:
        """The size of all files together."""
        return self._nbytes

    def store(self, data: bytes) -> StoredFile:
        """Store data; raise StorageFullError if there is no room."""
        with self.writing() as writer:
            writer.write(data)
            return writer.close()

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Write a file piece by piece; an exception in the block discards it."""
        with self._lock:
            self._count += 1
            path = self.folder / str(self._count)
        writer = Writer(self, path)
        try:
            yield writer
        except BaseException:
            writer.discard()
            raise

    def reserve(self, nbytes: int) -> None:
        """Count bytes before they are written."""
        with self._lock:
            if self._nbytes + nbytes > self._max_bytes:
                raise StorageFullError()
            self._nbytes += nbytes

    def remove(self, path: Path, nbytes: int) -> None:
        """Delete a file and give its bytes back; later if it is still open somewhere."""
        with self._lock:
            self._unwanted[path] = nbytes
            for each in list(self._unwanted):
                with suppress(PermissionError):  # Windows does not delete mapped files
                    each.unlink(missing_ok=True)
                    self._nbytes -= self._unwanted.pop(each)


def remove_abandoned_folders(parent: Path) -> None:
    """Delete the folders whose lock is free: those of killed processes."""
    for folder in parent.glob(f"{PREFIX}*"):
        if not (folder / LOCK).exists():
            continue  # a process is making it
        lock = _lock_of(folder)
        try:
            lock.acquire()
        except (Timeout, OSError):
            continue
        _remove(folder, lock)


def _lock_of(folder: Path) -> FileLock:
    return FileLock(folder / LOCK, mode=0o600, blocking=False, thread_local=False)


def _remove(folder: Path, lock: FileLock) -> None:
    lock.release()  # Windows does not delete open files
    shutil.rmtree(folder, ignore_errors=True)
