"""The one limit on a picture's bytes, however it arrives."""

from __future__ import annotations

from collections.abc import Iterable

from backend.errors import PayloadTooLargeError

CHUNK_BYTES = 64 * 2**10


def collect(chunks: Iterable[bytes], *, max_bytes: int) -> bytes:
    """Join chunks; stop reading at the first one that goes over the limit."""
    kept: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise PayloadTooLargeError.over(max_bytes, what="picture")
        kept.append(chunk)
    return b"".join(kept)
