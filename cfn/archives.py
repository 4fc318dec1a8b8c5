"""Reproducible archives: the same files give the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
MODE = 0o644
FILE_OF_UNIX = 3
"""The system that zipfile records, which would differ on Windows."""

Contents = Mapping[str, Path | bytes]
"""Name inside of the archive -> the file or its bytes."""


def write_zip(target: Path, contents: Contents) -> str:
    """Write the archive and return its sha256."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, source in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, ZIP_EPOCH)
            entry.create_system = FILE_OF_UNIX
            entry.external_attr = (0o100000 | MODE) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, read(source))
    return file_sha256(target)


def write_tar_gz(target: Path, contents: Contents) -> str:
    """Write the archive and return its sha256."""
    with (
        target.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, source in sorted(contents.items()):
            data = read(source)
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            entry.mode = MODE
            archive.addfile(entry, io.BytesIO(data))
    return file_sha256(target)


def read(source: Path | bytes) -> bytes:
    """Return the bytes of a file, or the bytes themselves."""
    return source if isinstance(source, bytes) else source.read_bytes()


def file_sha256(path: Path) -> str:
    """Return the sha256 in small hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
