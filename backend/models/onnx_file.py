"""Checks of an ONNX file's bytes before ONNX Runtime sees them.

A network is untrusted input, like a picture. External weights could be any file that this process
may read, and custom operators are code, so neither is loaded.
"""

from __future__ import annotations

from backend.errors import ModelError
from backend.models.protobuf import LENGTH, VARINT, Field, read_fields

MAX_BYTES = 2**30
MAX_OPSET = 30
MAX_DEPTH = 16
"""Largest depth of graphs inside graphs, counted in messages."""
MAX_MESSAGES = 1_000_000
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
"""Domains of operators that ONNX Runtime itself has."""

EXTERNAL = 1
# Fields by number: the name of their message or fact.
MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 8: "opset", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 9: "opset", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}


def check_network_file(data: bytes) -> None:
    """Raise ModelError, whose message continues a sentence that begins with the model's name."""
    if len(data) > MAX_BYTES:
        raise ModelError(f"is larger than {MAX_BYTES // 2**20} MiB")
    try:
        _Checker(data).check("model", 0, len(data), depth=0)
    except ValueError as exc:
        raise ModelError("is not an ONNX file") from exc


class _Checker:
    """A walker over the protobuf messages that matter here, and no others."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = MAX_MESSAGES

    def check(self, name: str, start: int, end: int, *, depth: int) -> None:
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise ModelError("is made of too many parts")
        parts = MESSAGES.get(name, {})
        for field in read_fields(self._data, start, end):
            if field.kind not in (VARINT, LENGTH):
                continue
            if name == "opset" and field.number == 2 and field.value > MAX_OPSET:
                raise ModelError(f"wants operators of a version above {MAX_OPSET}")
            if self._is_foreign(name, field):
                raise ModelError("uses operators that are not ONNX Runtime's own")
            if name == "tensor" and self._is_external(field):
                raise ModelError("keeps weights outside of its file")
            if field.kind == LENGTH and field.number in parts:
                self.check(parts[field.number], field.value, field.end, depth=depth + 1)

    def _is_foreign(self, name: str, field: Field) -> bool:
        number = {"node": 7, "opset": 1}.get(name)
        if field.number != number or field.kind == VARINT:
            return False
        domain = self._data[field.value : field.end].decode("utf-8", "replace")
        return domain not in DOMAINS

    def _is_external(self, field: Field) -> bool:
        return field.number == 13 or (field.number == 14 and field.value == EXTERNAL)
