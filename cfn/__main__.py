"""Run `python -m cfn`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from backend.commands.lines import OutputError
from cfn.errors import DeploymentError
from cfn.parser import make_parser

FAILED = 1
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code: 0 done, 1 failed, 2 wrong arguments."""
    parsed = make_parser().parse_args(arguments)
    # boto3 is loaded only now, so that `--help` answers at once.
    from cfn import commands  # noqa: PLC0415
    from cfn.account import AWS_ERRORS, explained  # noqa: PLC0415

    try:
        getattr(commands, parsed.command)(parsed)
    except (DeploymentError, OutputError) as exc:
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
    except AWS_ERRORS as exc:
        return _failed(explained(exc))
    return 0


def _failed(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
