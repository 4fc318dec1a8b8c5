"""Lines that name files, each of which is one line whatever the name holds."""

from __future__ import annotations

import re
from typing import TextIO

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that a terminal acts on, or by which a line looks like another."""


def write_line(stream: TextIO, line: str) -> None:
    """Write a line, with escapes such as `\\n` for line breaks and commands to the terminal."""
    stream.write(f"{visible(line)}\n")
    stream.flush()


def visible(text: str) -> str:
    """Return the text with escapes for what cannot be seen."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
