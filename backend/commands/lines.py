"""Output with file names, safe whatever the names contain and wherever it goes."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that control a terminal, or make a line look like another."""


class OutputError(Exception):
    """Standard output or standard error cannot be written; the message is a sentence."""


def open_missing_streams() -> None:
    """Open the null device for each standard stream that the caller has closed."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - until the end
            setattr(sys, name, stream)


def write_line(stream: TextIO, line: str) -> None:
    """Write a line; line breaks and terminal controls are escaped, as `\n`."""
    write_text(stream, f"{visible(line)}\n")


def write_text(stream: TextIO, text: str) -> None:
    """Write a text as it is; raise OutputError for a full disk or a reader that is gone."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as exc:
        silence(stream)
        raise OutputError(f"The output cannot be written: {exc.strerror}.") from exc


def visible(text: str) -> str:
    """Return the text with invisible characters escaped."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def silence(stream: TextIO) -> None:
    """Lead a stream nowhere, so that what it still holds does not fail again at the end."""
    with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
