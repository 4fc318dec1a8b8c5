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
        commands.COMMANDS[parsed.command](parsed)
    except DeploymentError as exc:
        sys.stderr.write(f"{exc}\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("Stopped watching; what AWS has begun goes on.\n")
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
