"""WebP (RIFF): what its chunks say beside the pixels."""

from __future__ import annotations

from backend.images.segments.lean_file import Box

LENGTH_BYTES, HEADER_BYTES, CHUNK_HEADER_BYTES, FRAME_HEADER_BYTES = 8, 12, 8, 16
MAX_CHUNKS = 64
"""Chunks that are skipped before the pixels."""
MAX_FRAMES = 4096
"""Chunks of a file whose stated length is wrong."""
RIFF_LENGTH = slice(4, 8)


def with_right_length(data: bytes) -> bytes:
    """Correct the stated length where whole chunks tell another, and add missing padding."""
    stated = LENGTH_BYTES + int.from_bytes(data[RIFF_LENGTH], "little")
    at, ends = HEADER_BYTES, {len(data)}
    for _ in range(MAX_FRAMES):
        if stated in ends or at + CHUNK_HEADER_BYTES > len(data):
            break
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + CHUNK_HEADER_BYTES + length
        if end > len(data):
            break
        at = end + length % 2
        ends.add(at)
    if (stated in ends and stated <= len(data)) or at == HEADER_BYTES:
        return data
    right = (at - LENGTH_BYTES).to_bytes(4, "little")
    return data[: RIFF_LENGTH.start] + right + data[RIFF_LENGTH.stop : at] + bytes(at > len(data))


def webp_pixels(data: bytes) -> tuple[bool, Box | None]:
    """Return whether the pixels are of the lossless kind, and the place of a first frame."""
    at, frame = HEADER_BYTES, None
    for _ in range(MAX_CHUNKS):
        kind = data[at : at + 4]
        if kind in (b"VP8 ", b"VP8L"):
            return kind == b"VP8L", frame
        if kind == b"ANMF":
            at += CHUNK_HEADER_BYTES
            numbers = (data[at + each : at + each + 3] for each in range(0, 12, 3))
            left, top, width, height = (int.from_bytes(each, "little") for each in numbers)
            frame = 2 * left, 2 * top, 2 * left + width + 1, 2 * top + height + 1
            at += FRAME_HEADER_BYTES
            continue
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        at += CHUNK_HEADER_BYTES + length + length % 2
    return False, frame
