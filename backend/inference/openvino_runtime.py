"""OpenVINO, with its telemetry left out: the only module that imports it.

Its Python package reports every import to its maker through the package `openvino_telemetry`. It
works without that package, whose import is therefore blocked, whatever the environment says.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from backend.errors import ModelError

PACKAGE = "openvino"
TELEMETRY = "openvino_telemetry"
MATRIX_UNITS = frozenset({"amx_bf16", "avx512_bf16"})
"""Linux's names for processor features that multiply bfloat16."""


def is_installed() -> bool:
    """Return whether the package is there, without importing it."""
    return find_spec(PACKAGE) is not None


@cache
def has_matrix_units() -> bool:
    """Return whether this processor multiplies bfloat16 in hardware; False where it is unknown."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return not MATRIX_UNITS.isdisjoint(flags.split())


@cache
def core() -> Any:
    """Return the library, loaded once; raise ModelError if it is missing or cannot be loaded."""
    if not is_installed():
        raise ModelError(
            "SR_RUNTIME is openvino, but the package 'openvino' is not installed here."
        )
    sys.modules.setdefault(TELEMETRY, None)  # type: ignore[arg-type]
    try:
        import openvino  # noqa: PLC0415 - half a second, and only where it is used
    except (ImportError, OSError) as exc:
        raise ModelError("OpenVINO is installed, but cannot be loaded here.") from exc
    return openvino.Core()
