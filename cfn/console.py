"""The console."""

from __future__ import annotations

import sys

from backend.commands.lines import write_text


def print_line(line: str) -> None:
    """Write a line to the console at once; raise OutputError if nobody reads it any more."""
    write_text(sys.stdout, f"{line}\n")
