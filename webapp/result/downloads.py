"""The addresses under which results can be downloaded."""

from __future__ import annotations

import io
import secrets
import time
import zipfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import anyio
from PIL import Image

from backend.images.filenames import namesakes
from backend.images.metadata import Kept
from backend.images.picture import reopen
from backend.inference.allocator import give_back_memory
from webapp.base.filenames import download_name
from webapp.base.files import Disk, StoredFile
from webapp.work.enhance import Enhanced

RESULT_PATH, ARCHIVE_PATH, DETAIL_PATH = "result", "archive", "detail"
"""The beginnings of the addresses of results, archives and pieces of the zoom."""
FOR_THE_OWNER = 0o600 << 16
"""The permissions of a file in an archive."""
MAX_VARIANTS = 4
"""Encoded files of a result that are kept for the download after their size was shown."""
LARGE_PIXELS = 4_000_000
"""The pixels of a result beyond which its encoder takes hundreds of megabytes."""


@dataclass(kw_only=True, eq=False)
class Download:
    """One result, as a visitor may save it."""

    name: str
    """The input file's name."""
    scale: str
    """The factor or the size, as written in file names."""
    neighbours: Callable[[], Collection[str]] = tuple
    """Names the pictures of the tab, of which one may differ by its ending alone."""
    result: Enhanced
    disk: Disk
    original: Callable[[], Image.Image]
    """Decodes the original of the result."""
    natural: str = ""
    """The format that keeps the input's kind."""
    kept: Kept = field(default_factory=Kept)
    """The original's metadata that the file may keep."""
    is_chroma_halved: bool = False
    """The original had colours at half the size."""
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    turn: anyio.Lock = field(default_factory=anyio.Lock)
    """Held while one of its files is made."""
    _variants: dict[tuple[str, int | None, bool], StoredFile] = field(default_factory=dict)

    @property
    def format(self) -> str:
        """The format that is offered first: the input's kind, if possible."""
        formats = self.result.formats
        return self.natural if self.natural in formats else formats[0]

    def file_name(self, format: str) -> str:
        """Return the result's file name."""
        has_namesake = self.name in namesakes([self.name, *self.neighbours()])
        return download_name(self.name, scale=self.scale, format=format, has_namesake=has_namesake)

    def picture(self, name: str) -> Image.Image:
        """Return one side of the slider, `before` or `after`, with every pixel."""
        if name == "before":
            return self.original()
        with reopen(self.result.master.read(), format=self.result.upscaled.format) as image:
            image.load()
            return image

    def file(self, format: str, *, quality: int | None = None, keeps: bool = False) -> StoredFile:
        """Return the file, with what it `keeps` of the original.

        All but the master are encoded once, and kept while they are among the last few.
        """
        kept = self.kept if keeps else Kept()
        if format == self.result.upscaled.format and quality is None and not kept:
            return self.result.master
        key = (format, quality, bool(kept))
        if key not in self._variants:
            while len(self._variants) >= MAX_VARIANTS:
                del self._variants[next(iter(self._variants))]
            data = self.result.encode(
                format,
                quality=quality,
                kept=kept,
                is_chroma_halved=self.is_chroma_halved,
            )
            self._variants[key] = self.disk.store(data)
            del data
            give_back_memory()
        return self._variants[key]


class EncodingLimits:
    """Limits for all visitors: one file of a small result, and one of a large one, at a time.

    A piece takes little memory and waits for neither, once its picture is decoded.
    """

    def __init__(self) -> None:
        self._small, self._large, self.pieces = (anyio.CapacityLimiter(1) for _ in range(3))

    def of(self, download: Download) -> anyio.CapacityLimiter:
        """Return the limit for making a file of this result, or for decoding it."""
        upscaled = download.result.upscaled
        is_large = upscaled.width * upscaled.height > LARGE_PIXELS
        return self._large if is_large else self._small


@dataclass(kw_only=True, eq=False)
class Archive:
    """All results of a tab, as one ZIP file that is made while it is sent."""

    downloads: Callable[[], list[Download]]
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def chunks(self) -> Iterator[bytes]:
        """Yield the archive: each result under its own name, as it would be saved."""
        buffer = _Buffer()
        names: set[str] = set()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for download in self.downloads():
                kind = download.format
                name = _free_name(download.file_name(kind), names)
                entry = zipfile.ZipInfo(name, time.localtime()[:6])
                entry.external_attr = FOR_THE_OWNER
                with archive.open(entry, "w") as member:
                    for chunk in download.file(kind, keeps=True).chunks():
                        member.write(chunk)
                        yield buffer.take()
                yield buffer.take()
        yield buffer.take()


class _Buffer(io.RawIOBase):
    """A stream to which a ZIP file is written, and which is read once."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def take(self) -> bytes:
        """Return what was written since the last call."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def _free_name(name: str, taken: set[str]) -> str:
    """Return the name, or the first free one of `a-2.png`, `a-3.png` …

    `A.png` and `a.png` would be one file on Windows and on most Macs.
    """
    stem, dot, suffix = name.rpartition(".")
    number = 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}{dot}{suffix}"
    taken.add(name.casefold())
    return name
