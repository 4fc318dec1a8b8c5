"""Cold start: `python -m benchmarks.cold_start` imports the engine and loads one network.

The measure is the CPU time of a fresh process, with the function's setting for NumPy's threads.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from statistics import median

from backend.settings import Settings

STEPS = {
    "interpreter alone": "pass",
    "import": "import backend",
    "import and load": (
        "from backend import Settings, create_engine; "
        "create_engine(Settings.from_environment()).session(model={model!r}, scale={scale})"
    ),
}


def measure_seconds(statement: str) -> tuple[float, float]:
    """Return (CPU, wall) seconds of a fresh interpreter that runs the statement."""
    before, started = os.times(), time.perf_counter()
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", statement], env=environment, check=True)
    after, stopped = os.times(), time.perf_counter()
    cpu = after.children_user - before.children_user
    cpu += after.children_system - before.children_system
    return cpu, stopped - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="tier; the setting's by default")
    parser.add_argument("--scale", type=int, choices=(2, 4), default=2)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    model = options.model or Settings.from_environment().model
    print(f"{'step':20} {'CPU s':>7} {'wall s':>7}   (median of {options.runs})")
    for name, statement in STEPS.items():
        filled = statement.format(model=model, scale=options.scale)
        runs = [measure_seconds(filled) for _ in range(options.runs)]
        print(f"{name:20} {median(r[0] for r in runs):7.2f} {median(r[1] for r in runs):7.2f}")


if __name__ == "__main__":
    main()
