"""The request behind a result as programs would send it: the examples of docs/api.md, filled in."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from backend.options import UpscaleOptions

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
LANGUAGES = ("curl", "Python", "JavaScript")
EXAMPLE_FILE = "cat"


@cache
def examples() -> dict[str, str]:
    """The first example of each language; nothing where the documentation was left out."""
    if not PAGE.is_file():
        return {}
    text = PAGE.read_text(encoding="utf-8")
    blocks = {
        each: re.search(rf"^### {each}$.*?^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
        for each in LANGUAGES
    }
    return {each: block[1] for each, block in blocks.items() if block is not None}


def fill_in(example: str, *, stem: str, suffix: str, options: UpscaleOptions) -> str:
    """The example for a file `STEMSUFFIX` and these options.

    `stem` must be free of quotes, as `filenames.download_stem` makes it.
    """
    fields = [f"{options.scale}", f'"model": "{options.model}"']
    if options.cleanup is not None:
        fields.append(f'"cleanup": {options.cleanup}')
    if options.detail is not None:
        fields.append(f'"detail": {options.detail}')
    code = re.sub(r'("?scale"?: )2', lambda found: found[1] + ", ".join(fields), example)
    code = code.replace(f"sample_images/{EXAMPLE_FILE}.jpg", f"{stem}{suffix}")
    code = re.sub(rf"\b{EXAMPLE_FILE}-x2\b", f"{stem}-x{options.scale}", code)
    return re.sub(rf"\b{EXAMPLE_FILE}\.jpg\b", f"{stem}{suffix}", code)
