"""`python -m backend`, installed `super-resolution`: one command of many."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module

from backend.commands.extras import advice
from backend.commands.interrupt import INTERRUPTED
from backend.commands.parser import make_parser
from backend.errors import SuperResolutionError
from backend.settings import Settings, SettingsError

USAGE_ERROR = 2
PROGRAM = "super-resolution" if __package__ == "super_resolution" else "python -m backend"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 1 something failed, 2 wrong arguments or settings.

    The command's module is imported only now, so that `--version` and `--help` answer at once.
    """
    parsed = make_parser(PROGRAM).parse_args(arguments)
    if not sys.warnoptions:
        # Pillow warns of oddities in pictures that it can read, and names its own source files.
        warnings.simplefilter("ignore")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a pipe on Windows may know only its code page
            stream.reconfigure(errors="backslashreplace")
    # Nothing here needs NumPy's BLAS, whose threads would keep the cores busy while they start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        command = import_module(f"{__package__}.commands.{parsed.command}")
        code: int = command.run(parsed, Settings.from_environment())
    except SettingsError as exc:
        sys.stderr.write(f"{exc}\n")
        return USAGE_ERROR
    except SuperResolutionError as exc:
        sys.stderr.write(f"{exc.message} ({exc.code})\n")
        return USAGE_ERROR
    except ModuleNotFoundError as exc:
        sentence = advice(exc.name or "")
        if sentence is None:
            raise
        sys.stderr.write(f"{sentence}\n")
        return USAGE_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def run() -> None:
    """Run the command that the console named and end the process with its exit code."""
    sys.exit(main())


if __name__ == "__main__":
    run()
