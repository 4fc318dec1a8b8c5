"""`python -m backend`: serve, upscale, bulk, networks and doctor."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module

from backend.commands.interrupt import INTERRUPTED
from backend.commands.parser import make_parser
from backend.errors import SuperResolutionError
from backend.settings import Settings, SettingsError

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 1 something failed, 2 wrong arguments or settings.

    The command's module is imported only now, so that `--version` and `--help` answer at once.
    """
    parsed = make_parser().parse_args(arguments)
    if not sys.warnoptions:
        # Pillow warns of oddities in pictures that it can read, and names its own source files.
        warnings.simplefilter("ignore")
    # Nothing here needs NumPy's BLAS, whose threads would keep the cores busy while they start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    command = import_module(f"backend.commands.{parsed.command}")
    try:
        code: int = command.run(parsed, Settings.from_environment())
    except SettingsError as exc:
        sys.stderr.write(f"{exc}\n")
        return USAGE_ERROR
    except SuperResolutionError as exc:
        sys.stderr.write(f"{exc.message} ({exc.code})\n")
        return USAGE_ERROR
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


if __name__ == "__main__":
    sys.exit(main())
