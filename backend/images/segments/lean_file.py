"""What a walk finds."""

from __future__ import annotations

from dataclasses import dataclass

from backend.errors import ImageError

MAX_EXIF_BYTES = 64 * 2**10
"""The orientation stands near the start of what a camera writes."""
MAX_PROFILE_BYTES = 4 * 2**20
"""The largest printers' profiles have about 3 MiB."""


@dataclass(frozen=True, kw_only=True)
class LeanFile:
    """A file with the same pixels and without metadata, and the metadata that is used."""

    data: bytes
    """For the decoder."""
    size: tuple[int, int] | None = None
    """(width, height) as stored, before orientation; None where the file does not say."""
    orientation: int = 1
    """EXIF's, 1-8: how to turn the stored picture so that it is upright."""
    icc_profile: bytes | None = None
    exif: bytes = b""
    """EXIF as it stands in the file, or its beginning."""
    dpi: int | None = None
    """Where the container itself says it."""
    frames: int = 1
    """More than one is an animation, or a file of several pages."""


def damaged() -> ImageError:
    """For a file that breaks its container's rules."""
    return ImageError("The picture is damaged and cannot be read.")


def too_many(parts: str, *, limit: int) -> ImageError:
    """For a file with more parts than any program writes; `parts` is their name in a sentence."""
    return ImageError(
        f"The picture's file has more than {limit:,} {parts}; save it again in an image editor.",
        limit=limit,
    )


class Count:
    """Counts the parts of one kind; ImageError at the first one over the limit."""

    def __init__(self, parts: str, *, limit: int) -> None:
        self._parts = parts
        self._limit = limit
        self._seen = 0

    def add(self, number: int = 1) -> None:
        """So many more."""
        self._seen += number
        if self._seen > self._limit:
            raise too_many(self._parts, limit=self._limit)
