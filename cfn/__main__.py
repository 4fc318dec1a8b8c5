"""Run `python -m cfn`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cfn import commands
from cfn.errors import DeploymentError
from cfn.parser import make_parser

FAILED = 1
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code: 0 done, 1 failed, 2 wrong arguments."""
    parsed = make_parser().parse_args(arguments)
    try:
        getattr(commands, parsed.command)(parsed)
    except DeploymentError as exc:
        return _failed(str(exc))
    except UnicodeDecodeError as exc:
        return _failed(f"A file is not one of text in UTF-8: {exc.reason}.")
    except OSError as exc:
        if exc.filename is None:
            raise
        return _failed(f"{exc.filename} cannot be used: {exc.strerror}.")
    except KeyboardInterrupt:
        sys.stderr.write("Stopped watching; AWS continues what it has begun.\n")
        return INTERRUPTED
    except Exception as exc:
        from cfn.account import AWS_ERRORS, explained  # noqa: PLC0415 - see commands

        if not isinstance(exc, AWS_ERRORS):
            raise
        return _failed(explained(exc))
    return 0


def _failed(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
