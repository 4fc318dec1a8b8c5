"""The weights inside an ONNX file, blended with another's, without a library for the format.

An ONNX file is a Protocol Buffers message: fields, each with a number and a kind. Only float32
tensors in `graph.initializer` that are stored as `raw_data` are touched; every other byte is the
first file's.
"""

from __future__ import annotations

import numpy as np

from backend.models.protobuf import read_fields

MODEL_GRAPH, GRAPH_INITIALIZER = 7, 5
TENSOR_DATA_TYPE, TENSOR_NAME, TENSOR_RAW_DATA = 2, 8, 9
FLOAT32 = 1


def blend(first: bytes, second: bytes, *, share: float) -> bytes:
    """Return `first` with weights `(1 - share) * first + share * second`.

    `share` is in [0, 1]. Raise ValueError unless both files hold the same float32 tensors in size.
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
    """Find the bytes of each float32 initializer by name; raise ValueError if broken."""
    found = {}
    for graph in read_fields(data, 0, len(data)):
        if graph.number != MODEL_GRAPH:
            continue
        for tensor in read_fields(data, graph.value, graph.end):
            if tensor.number != GRAPH_INITIALIZER:
                continue
            parts = {part.number: part for part in read_fields(data, tensor.value, tensor.end)}
            kind, raw = parts.get(TENSOR_DATA_TYPE), parts.get(TENSOR_RAW_DATA)
            name = parts.get(TENSOR_NAME)
            if kind is not None and kind.value == FLOAT32 and raw and name:
                found[data[name.value : name.end].decode()] = raw.value, raw.end
    return found
