"""The run-length coding of BMP files with 4 and 8 bits a pixel."""

from __future__ import annotations

import numpy as np

from backend.images.segments.lean_file import Count, damaged

MAX_STEPS = 1_000_000
"""Ends of lines, jumps and single runs; runs that follow one another count by the thousand."""
SUCCESSIVE_RUNS = 32
"""After so many, the next ones are unpacked together."""
TOGETHER = 1024
COST_TOGETHER = 32
"""Of such a group, in steps."""
MORE_COST_OF_PIXELS = 1
"""In steps, of pixels that are given one by one instead of as a run."""
END_OF_LINE, END_OF_PICTURE, JUMP = 0, 1, 2
PAIRS = tuple(bytes((value >> 4, value & 15)) for value in range(256))
"""The two pixels of 4 bits in a byte."""
PAIR_TABLE = np.frombuffer(b"".join(PAIRS), np.uint8).reshape(256, 2)


def unpacked(data: bytes, at: int, *, size: tuple[int, int], bits: int) -> bytes:
    """Rows of one byte a pixel, in the file's order; pixels that are jumped over are 0.

    As other readers do it: a run that is too long for its row is cut, and the end of a line
    that has ended already means nothing. ImageError when the runs end before the picture does.
    """
    width, height = size
    total = width * height
    steps = Count("runs of pixels", limit=MAX_STEPS)
    pixels = bytearray()
    column = successive = 0
    while len(pixels) < total and at + 1 < len(data):
        steps.add()
        count, value = data[at], data[at + 1]
        if count and successive < SUCCESSIVE_RUNS:
            successive += 1
            count = max(0, min(count, width - column))
            pixels += _run(value, count) if bits == 4 else bytes((value,)) * count
            column += count
            at += 2
            continue
        if count:
            steps.add(COST_TOGETHER)
            length, part = _runs(data, at, room=max(0, width - column), bits=bits)
            pixels += part
            column += len(part)
            at += length
            continue
        successive = 0
        at += 2
        if value == END_OF_LINE:
            pixels += bytes(-len(pixels) % width)
            column = 0
        elif value == END_OF_PICTURE or (value == JUMP and at + 1 >= len(data)):
            break
        elif value == JUMP:
            pixels += bytes(min(total - len(pixels), data[at] + data[at + 1] * width))
            column = len(pixels) % width
            at += 2
        else:
            steps.add(MORE_COST_OF_PIXELS)
            wanted = min(total - len(pixels), value)
            length = wanted if bits == 8 else (wanted + 1) // 2
            part = data[at : at + length]
            if len(part) < length:
                break
            pixels += part if bits == 8 else _pairs(part)[:wanted]
            column += value
            at += length
            at += at % 2  # what follows begins at an even place of the file
    if len(pixels) < total:
        raise damaged()
    return bytes(pixels[:total])


def _run(value: int, count: int) -> bytes:
    """Two colours in turn."""
    return (PAIRS[value] * ((count + 1) // 2))[:count]


def _pairs(part: bytes) -> bytes:
    return b"".join([PAIRS[value] for value in part])


def _runs(data: bytes, at: int, *, room: int, bits: int) -> tuple[int, bytes]:
    """How many bytes of runs follow one another, up to a bound, and their first `room` pixels."""
    length = min(2 * TOGETHER, len(data) - at) // 2 * 2
    runs = np.frombuffer(data, np.uint8, count=length, offset=at).reshape(-1, 2)
    ends = np.flatnonzero(runs[:, 0] == 0)
    runs = runs[: ends[0]] if len(ends) else runs
    stops = np.minimum(np.cumsum(runs[:, 0], dtype=np.int64), room)
    starts = np.concatenate(([0], stops[:-1]))
    counts = stops - starts
    values = np.repeat(runs[:, 1], counts)
    if bits == 4:
        is_second = (np.arange(stops[-1]) - np.repeat(starts, counts)) % 2
        values = PAIR_TABLE[values, is_second]
    pixels: bytes = values.tobytes()
    return 2 * len(runs), pixels
