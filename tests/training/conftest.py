"""PyTorch is a gigabyte that only training needs: what tests its code is left out without it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

WITHOUT_PYTORCH = {"conftest.py", "test_clean.py", "test_degradations.py", "test_patterns.py"}
collect_ignore = (
    []
    if find_spec("torch")
    else sorted(
        path.name for path in Path(__file__).parent.glob("*.py") if path.name not in WITHOUT_PYTORCH
    )
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out."""
    for name in collect_ignore:
        terminalreporter.write_line(f"tests/training/{name} was left out: it needs PyTorch")
