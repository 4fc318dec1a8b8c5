"""A command on a terminal of its own."""

from __future__ import annotations

import io
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path

from testbed.processes import environment

COLUMNS = 140
SECONDS = 120


def stop_when_shown(
    words: str,
    number: signal.Signals,
    folder: Path,
    *arguments: str,
    columns: int = COLUMNS,
    **settings: str,
) -> tuple[int, str]:
    """Signal `python -m backend` once it has shown these words; return (exit code, all shown).

    Standard output is not included.
    """
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))  # a new terminal has no columns, and so no bar
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", *arguments],
        cwd=folder,
        env=environment(**settings),
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    shown = ""
    with os.fdopen(ours, "rb", buffering=0) as screen:
        for text in iter(lambda: _read(screen), ""):
            if words in text and words not in shown:
                process.send_signal(number)
            shown += text
    return process.wait(SECONDS), shown


def _read(screen: io.FileIO) -> str:
    """Read the terminal; empty at the end, which it reports as an error."""
    try:
        return screen.read(4096).decode(errors="replace")
    except OSError:
        return ""
