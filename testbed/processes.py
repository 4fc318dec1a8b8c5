"""The project's programs as other processes."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment with these `SR_*` variables and no others."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SR_")}
    return {**clean, "PYTHONPATH": str(ROOT), **settings}
