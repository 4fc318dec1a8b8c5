"""`python -m backend`, installed `super-resolution`: one command of many."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import NoReturn

from backend import PROGRAM
from backend.commands.interrupt import INTERRUPTED
from backend.commands.lines import OutputError, open_missing_streams, write_line
from backend.commands.parser import make_parser
from backend.errors import SuperResolutionError
from backend.settings import Settings, SettingsError

FAILED, USAGE_ERROR = 1, 2
TOO_LITTLE_MEMORY = "This machine, or the limit of its shell, has too little memory."
NO_ROOM = ("failed to map segment", "annot allocate memory", "can't start new thread")
"""Messages of the system's loader and of Python when there is no memory, or no thread is left."""

EXTRAS = {
    "anyio": "server",
    "boto3": "aws",
    "botocore": "aws",
    "onnx": "networks",
    "prometheus_client": "server",
    "starlette": "server",
    "streamlit": "page",
    "uvicorn": "server",
}
"""The extra that brings a package, by the name that is imported."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0 done, 1 something failed, 2 wrong arguments or settings.

    The command's module is imported only now, so that `--version` and `--help` answer at once.
    """
    open_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file name may not be encodable on a Windows console or pipe.
            stream.reconfigure(errors="backslashreplace")
    parsed = make_parser(PROGRAM).parse_args(arguments)
    if not sys.warnoptions:
        # Pillow warns of oddities in pictures that it can read, and names its own source files.
        warnings.simplefilter("ignore")
    # Nothing here needs NumPy's BLAS, whose threads would keep the cores busy while they start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        command = import_module(f"{__package__}.commands.{parsed.command}")
        code: int = command.run(parsed, Settings.from_environment())
    except SettingsError as exc:
        return _say(str(exc))
    except SuperResolutionError as exc:
        return _say(f"{exc.message} ({exc.code})")
    except OutputError as exc:
        return _say(str(exc), code=FAILED)
    except (ImportError, MemoryError, RuntimeError) as exc:
        sentence = _sentence_for(exc)
        if sentence is None:
            raise
        return _say(sentence)
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _sentence_for(error: Exception) -> str | None:
    """Return what the user can do about it, or None if the fault is ours."""
    if isinstance(error, ModuleNotFoundError):
        return _advice(error.name or "")
    is_small = isinstance(error, MemoryError) or any(sign in str(error) for sign in NO_ROOM)
    return TOO_LITTLE_MEMORY if is_small else None


def _advice(missing: str) -> str | None:
    """Return what to install for a module that is missing; None if it is not optional."""
    package = missing.partition(".")[0]
    if package not in EXTRAS:
        return None
    return (
        f"This needs the package {package}, which is not installed. In a clone it comes with "
        f'pip install ".[{EXTRAS[package]}]"; docs/install.md names other ways.'
    )


def _say(sentence: str, *, code: int = USAGE_ERROR) -> int:
    with suppress(OutputError):
        write_line(sys.stderr, sentence)
    return code


def run() -> NoReturn:
    """Run the command that the console named and end the process with its exit code.

    No tile that a server dropped is waited for: ONNX Runtime aborts a process that leaves in an
    orderly way in the midst of one.
    """
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
