"""The addresses under which results can be downloaded."""

from __future__ import annotations

import secrets
import weakref
from dataclasses import dataclass, field

from webapp.enhance import Enhanced
from webapp.files import Disk, StoredFile

MAX_VARIANTS = 4
"""Encoded files of one result that are kept for the download after its size was shown."""


@dataclass(kw_only=True, eq=False)
class Download:
    """One result, as a visitor may save it."""

    name: str
    """Of the input file."""
    scale: int
    result: Enhanced
    disk: Disk
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    _variants: dict[tuple[str, int | None], StoredFile] = field(default_factory=dict)

    @property
    def formats(self) -> tuple[str, ...]:
        """What it can be saved as."""
        return self.result.formats

    def encode(self, format: str, *, quality: int | None = None) -> bytes:
        """The file; one that is not the master is encoded once."""
        if format == self.result.upscaled.format and quality is None:
            return self.result.master.read()
        key = (format, quality)
        if key not in self._variants:
            while len(self._variants) >= MAX_VARIANTS:
                del self._variants[next(iter(self._variants))]
            data = self.result.encode(format, quality=quality)
            self._variants[key] = self.disk.store(data)
            return data
        return self._variants[key].read()


class Downloads:
    """By their secrets; a download is gone when its tab has let go of it."""

    def __init__(self) -> None:
        self._by_secret: weakref.WeakValueDictionary[str, Download] = weakref.WeakValueDictionary()

    def add(self, download: Download) -> None:
        """Open the download's address."""
        self._by_secret[download.secret] = download

    def get(self, secret: str) -> Download | None:
        """None for an address that was never given out, or is gone."""
        return self._by_secret.get(secret)
