"""The wheel and the source archive, built as a release builds them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def build(kind: str, source: Path, target: Path) -> Path:
    """Return the file that was built: kind is wheel or sdist."""
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", target, source],
        check=True,
        capture_output=True,
    )
    (made,) = target.iterdir()
    return made
