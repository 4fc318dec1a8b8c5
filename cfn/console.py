"""The console."""

from __future__ import annotations

import sys


def print_line(line: str) -> None:
    """Write a line to the console at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
