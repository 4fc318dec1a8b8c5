"""The decoding process where processes cannot be copied; it reads one picture and ends.

The caller watches what it costs and ends it. A watchdog of its own ends it too, so that it does
not outlive a caller that was killed.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from collections.abc import Iterable
from typing import BinaryIO

from backend.images.sandbox.answer import answer, warm_up
from backend.images.sandbox.limits import WALL_SECONDS
from backend.images.sandbox.wire import MAX_HEAD_BYTES, Head


def main() -> None:
    """Read a request from standard input and answer on standard output."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as output:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # only answers go to stdout
        warm_up()
        request = sys.stdin.buffer.readline(MAX_HEAD_BYTES)
        if not request:
            return  # the caller has ended
        faulthandler.dump_traceback_later(WALL_SECONDS, exit=True)  # needs no interpreter lock
        head = json.loads(request)
        data = sys.stdin.buffer.read(head["length"])
        write(
            output,
            *answer(
                data,
                max_side=head["max_side"],
                expect=lambda pixels: write(output, {"pixels": pixels}, ()),
            ),
        )


def write(stream: BinaryIO, head: Head, contents: Iterable[bytes]) -> None:
    """Write a line of JSON, and the contents, whose length it says."""
    blocks = list(contents)
    line = json.dumps({**head, "length": sum(len(block) for block in blocks)})
    stream.write(line.encode() + b"\n")
    for block in blocks:
        stream.write(block)
    stream.flush()


if __name__ == "__main__":
    main()
