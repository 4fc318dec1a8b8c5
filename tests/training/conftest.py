"""PyTorch is a gigabyte that only training needs: what tests its code is left out without it."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

collect_ignore = [] if find_spec("torch") else ["test_winograd.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out."""
    for name in collect_ignore:
        terminalreporter.write_line(f"tests/training/{name} was left out: it needs PyTorch")
