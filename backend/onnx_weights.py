"""The weights inside an ONNX file, blended with another's, without a library for the format.

An ONNX file is a Protocol Buffers message: fields, each with a number and a kind. Only the way down
to `graph.initializer` is followed, and only float32 tensors stored as `raw_data` are touched, so
the result has every other byte of the first file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
MODEL_GRAPH, GRAPH_INITIALIZER = 7, 5
TENSOR_DATA_TYPE, TENSOR_NAME, TENSOR_RAW_DATA = 2, 8, 9
FLOAT32 = 1


@dataclass(frozen=True, kw_only=True)
class _Field:
    number: int
    value: int
    """Of a varint; of any other kind, where its bytes begin."""
    end: int


def blend(first: bytes, second: bytes, *, share: float) -> bytes:
    """Weights `(1 - share) * first + share * second`; ValueError when they are not two of a kind.

    `share` in [0, 1]. Both files must hold the same float32 tensors in the same sizes.
    """
    own, others = float_tensors(first), float_tensors(second)
    if {name: end - start for name, (start, end) in own.items()} != {
        name: end - start for name, (start, end) in others.items()
    }:
        raise ValueError("the two networks differ in more than their weights")
    blended = bytearray(first)
    for name, (start, end) in own.items():
        a = np.frombuffer(first[start:end], "<f4")
        b = np.frombuffer(second[slice(*others[name])], "<f4")
        blended[start:end] = ((1 - share) * a + share * b).astype("<f4").tobytes()
    return bytes(blended)


def float_tensors(data: bytes) -> dict[str, tuple[int, int]]:
    """Where the bytes of each float32 initializer lie, by name; ValueError for broken bytes."""
    found = {}
    for graph in _fields(data, 0, len(data)):
        if graph.number != MODEL_GRAPH:
            continue
        for tensor in _fields(data, graph.value, graph.end):
            if tensor.number != GRAPH_INITIALIZER:
                continue
            parts = {part.number: part for part in _fields(data, tensor.value, tensor.end)}
            kind, raw = parts.get(TENSOR_DATA_TYPE), parts.get(TENSOR_RAW_DATA)
            name = parts.get(TENSOR_NAME)
            if kind is not None and kind.value == FLOAT32 and raw and name:
                found[data[name.value : name.end].decode()] = raw.value, raw.end
    return found


def _fields(data: bytes, at: int, end: int) -> Iterator[_Field]:
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
        yield _Field(number=key >> 3, value=value, end=after)
        at = after


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """(the number, where it ends): seven bits a byte, the lowest first."""
    value = shift = 0
    while at < end and shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a number does not end")
