"""The one limit on a picture's bytes, however it arrives."""

from __future__ import annotations

from collections.abc import Iterable

from backend.errors import PayloadTooLargeError

CHUNK_BYTES = 64 * 2**10
_MEBIBYTE = 2**20


def too_large(max_bytes: int) -> PayloadTooLargeError:
    """Says the limit in the unit that shows it exactly."""
    whole = max_bytes >= _MEBIBYTE and max_bytes % _MEBIBYTE == 0
    limit = f"{max_bytes // _MEBIBYTE} MiB" if whole else f"{max_bytes:,} bytes"
    return PayloadTooLargeError(
        f"The picture has more bytes than the limit of {limit}.", max_bytes=max_bytes
    )


def collect(chunks: Iterable[bytes], *, max_bytes: int) -> bytes:
    """Joined chunks; stops reading at the first one that goes over the limit."""
    kept: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise too_large(max_bytes)
        kept.append(chunk)
    return b"".join(kept)
