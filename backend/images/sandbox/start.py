"""Start and end of decoding processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

STOP_SECONDS = 5
OUTSIDE = [
    getattr(signal, name)
    for name in ("SIGHUP", "SIGINT", "SIGKILL", "SIGTERM", "SIGALRM")
    if hasattr(signal, name)  # not all exist on Windows
]
"""Signals that no file causes: from the system, a person, or the wall-clock limit."""
WINDOWS_CODES = (1, int(signal.SIGTERM))
"""Windows' exit codes of a process that the Task Manager or another program has ended."""
KEPT_VARIABLES = (
    *("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR"),
    *("SYSTEMROOT", "TEMP", "TMP"),  # Windows cannot start Python without the first
)
"""The variables that a decoder gets: it needs no credentials."""


def start(module: str, *, stdin: int, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start a module of this package; OSError when the system has no room for a process."""
    environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(path or os.curdir for path in sys.path)
    # One thread each: a process with more of them cannot be copied.
    environment |= {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    return subprocess.Popen(  # noqa: S603 - this package's own module
        [_python(), "-W", "ignore", "-m", f"{__package__}.{module}"],
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.DEVNULL,  # libraries write to it, file names among other things
        env=environment,
        **_apart_from_the_console(),
    )


def _python() -> str:
    """Return the interpreter; a virtual environment's on Windows only starts it."""
    executable = getattr(sys, "_base_executable", None) if sys.platform == "win32" else None
    return executable or sys.executable


def _apart_from_the_console() -> dict[str, Any]:
    """Keep Ctrl-C for the caller, who may want to finish, and on Windows open no console."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return {"creationflags": flags}
    return {"start_new_session": True}


def stop(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that was told to end; end it when it does not."""
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process."""
    process.terminate()
    stop(process)


def was_ended_from_outside(code: int) -> bool:
    """Return whether an exit code, negative for a signal, tells of an end that no file causes."""
    return -code in OUTSIDE or (sys.platform == "win32" and code in WINDOWS_CODES)
