"""The fields of a Protocol Buffers message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
"""Kinds of fields; `LENGTH` is text, bytes or another message."""


class Field(NamedTuple):
    """One field of a message that lies inside larger bytes; a start reads tens of thousands."""

    number: int
    kind: int
    value: int
    """The number of a varint, or the offset of the bytes."""
    end: int


def read_fields(data: bytes, start: int, end: int) -> Iterator[Field]:
    """Yield the fields of the message in `data[start:end]`; raise ValueError if it is broken."""
    at = start
    while at < end:
        key, at = _varint(data, at, end)
        kind = key & 7
        if kind == VARINT:
            value, after = _varint(data, at, end)
        elif kind == LENGTH:
            size, value = _varint(data, at, end)
            after = value + size
        elif kind in (FIXED32, FIXED64):
            value, after = at, at + (4 if kind == FIXED32 else 8)
        else:
            raise ValueError(f"field of an unknown kind, {kind}")
        if after > end:
            raise ValueError("a field ends beyond its message")
        yield Field(number=key >> 3, kind=kind, value=value, end=after)
        at = after


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Read seven bits a byte, the lowest first; return the number and its end."""
    value = shift = 0
    while at < end and shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a number does not end")
