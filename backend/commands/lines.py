"""Output lines with file names, safe whatever the names contain."""

from __future__ import annotations

import re
from typing import TextIO

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that control a terminal, or make a line look like another."""


def write_line(stream: TextIO, line: str) -> None:
    """Write a line; line breaks and terminal controls are escaped, as `\n`."""
    stream.write(f"{visible(line)}\n")
    stream.flush()


def visible(text: str) -> str:
    """Return the text with invisible characters escaped."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
