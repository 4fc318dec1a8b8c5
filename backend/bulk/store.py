"""A place with pictures or results: a folder, or a part of an S3 bucket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from backend.errors import RequestError

MOST_NAMED = 10_000
"""Files that a report names; each failure has a file in `_failed` too."""


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of a source."""

    key: str
    """Its place below the source, with slashes."""
    version: str | None = None
    """Changes with its contents: S3's ETag, or a file's size and time; None if not known yet."""
    problem: str | None = None
    """The error sentence of a listed item that cannot be read."""


@dataclass
class LeftOut:
    """The files that were listed so far and are no pictures: their number, and the first names."""

    number: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, names: Sequence[str]) -> None:
        """Count these files, and keep the first names."""
        self.number += len(names)
        self.names += names[: MOST_NAMED - len(self.names)]


@dataclass(frozen=True, kw_only=True)
class Content:
    """A picture that was read."""

    data: bytes
    version: str


class Store(Protocol):
    """A place with pictures or results; shared by threads."""

    @property
    def address(self) -> str:
        """The place's address, with a slash at its end."""
        ...

    @property
    def left_out(self) -> LeftOut:
        """The files that the last listing has passed over so far."""
        ...

    def list(self) -> Iterator[Item]:
        """List the pictures, by the rule of `images.filenames`."""
        ...

    def read(self, key: str, *, max_bytes: int, unless: str | None = None) -> Content | None:
        """Return the file, or None if its version is still `unless`.

        Raise PayloadTooLargeError or a SourceError.
        """
        ...

    def head(self, key: str) -> Mapping[str, str] | None:
        """Return the metadata of a result, or None if there is no complete one."""
        ...

    def write(
        self, key: str, data: bytes, *, media_type: str, metadata: Mapping[str, str] | None = None
    ) -> None:
        """Write all or nothing, with the metadata; raise SuperResolutionError if it fails."""
        ...


@dataclass(frozen=True, kw_only=True)
class Stores:
    """The source and the target of a run."""

    source: Store
    target: Store

    def __post_init__(self) -> None:
        """Raise RequestError if one lies in the other: results would be read as pictures."""
        source, target = self.source.address, self.target.address
        if source == target:
            raise RequestError(f"The results need another place than the pictures, {source}.")
        if source.startswith(target) or target.startswith(source):
            raise RequestError(f"Neither of {source} and {target} may lie in the other.")
