"""The tests of training are skipped without PyTorch, which only training needs."""

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
    """Report the skipped tests."""
    for name in collect_ignore:
        terminalreporter.write_line(f"tests/training/{name} was left out: it needs PyTorch")
