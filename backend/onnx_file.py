"""What an ONNX file asks for, read from its bytes before ONNX Runtime sees them.

A network is input like a picture is. Weights outside of the file could be any file that this
process may read, and operators of strangers are code, so neither is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backend.errors import ModelError

MAX_BYTES = 2**30
MAX_OPSET = 30
MAX_DEPTH = 16
"""Of graphs inside graphs, counted in messages."""
MAX_MESSAGES = 1_000_000
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
"""Of operators that ONNX Runtime itself has."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
EXTERNAL = 1
# Fields by number: the name of the message or fact that they hold.
MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 8: "opset", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 9: "opset", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}


@dataclass(frozen=True)
class _Field:
    number: int
    value: int
    """Of a number; for bytes, where they start."""
    end: int = 0
    is_number: bool = False


def check_network_file(data: bytes) -> None:
    """ModelError in words that go on after the name of the network."""
    if len(data) > MAX_BYTES:
        raise ModelError(f"is larger than {MAX_BYTES // 2**20} MiB")
    _Checker(data).check("model", 0, len(data), depth=0)


class _Checker:
    """Walks the messages of protobuf that matter here, and no others."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = MAX_MESSAGES

    def check(self, name: str, start: int, end: int, *, depth: int) -> None:
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise ModelError("is made of too many parts")
        parts = MESSAGES.get(name, {})
        for field in _fields(self._data, start, end):
            if name == "opset" and field.number == 2 and field.value > MAX_OPSET:
                raise ModelError(f"wants operators of a version above {MAX_OPSET}")
            if self._is_foreign(name, field):
                raise ModelError("uses operators that are not ONNX Runtime's own")
            if name == "tensor" and self._is_external(field):
                raise ModelError("keeps weights outside of its file")
            if not field.is_number and field.number in parts:
                self.check(parts[field.number], field.value, field.end, depth=depth + 1)

    def _is_foreign(self, name: str, field: _Field) -> bool:
        number = {"node": 7, "opset": 1}.get(name)
        if field.number != number or field.is_number:
            return False
        domain = self._data[field.value : field.end].decode("utf-8", "replace")
        return domain not in DOMAINS

    def _is_external(self, field: _Field) -> bool:
        return field.number == 13 or (field.number == 14 and field.value == EXTERNAL)


def _fields(data: bytes, at: int, end: int) -> Iterator[_Field]:
    while at < end:
        key, at = _varint(data, at, end)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(data, at, end)
            yield _Field(number, value, is_number=True)
        elif kind == BYTES:
            length, at = _varint(data, at, end)
            if length > end - at:
                raise ModelError("is not an ONNX file")
            yield _Field(number, at, at + length)
            at += length
        elif kind in (FIXED32, FIXED64):
            at += 4 if kind == FIXED32 else 8
        else:
            raise ModelError("is not an ONNX file")
    if at > end:
        raise ModelError("is not an ONNX file")


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ModelError("is not an ONNX file")
