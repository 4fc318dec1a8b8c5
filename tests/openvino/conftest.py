"""The tests of OpenVINO, an optional package of 180 MB, are skipped without it."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

TESTS = ["test_openvino.py"]
collect_ignore = [] if find_spec("openvino") else TESTS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report the skipped tests."""
    for name in collect_ignore:
        terminalreporter.write_line(f"tests/openvino/{name} was left out: it needs OpenVINO")
