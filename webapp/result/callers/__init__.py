"""The request behind a result as programs would send it, one example per file.

docs/api.md shows the same examples.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from backend.images.filenames import mark
from backend.options import UpscaleOptions

FOLDER = Path(__file__).parent
LANGUAGES = ("curl", "Python", "JavaScript")
EXAMPLE_FILE = "cat"


@cache
def examples() -> dict[str, str]:
    """Return the example of each language."""
    return {
        each: (FOLDER / f"{each.lower()}.txt").read_text(encoding="utf-8") for each in LANGUAGES
    }


def fill_in(example: str, *, stem: str, suffix: str, options: UpscaleOptions) -> str:
    """Fill an example in for a file `STEMSUFFIX` and these options.

    `stem` must be free of quotes, as `filenames.split_name` makes it.
    """
    fields = [f"{options.scale}", f'"model": "{options.model}"']
    if options.cleanup is not None:
        fields.append(f'"cleanup": {options.cleanup}')
    if options.detail is not None:
        fields.append(f'"detail": {options.detail}')
    code = re.sub(r'("?scale"?: )2', lambda found: found[1] + ", ".join(fields), example)
    code = code.replace(f"sample_images/{EXAMPLE_FILE}.jpg", f"{stem}{suffix}")
    code = re.sub(rf"\b{EXAMPLE_FILE}-x2\b", f"{stem}{mark(f'x{options.scale}')}", code)
    return re.sub(rf"\b{EXAMPLE_FILE}\.jpg\b", f"{stem}{suffix}", code)
