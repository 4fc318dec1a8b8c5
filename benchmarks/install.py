"""A user's cost of the install: `python -m benchmarks.install` prints a row for each way of it.

The wheel is built from this clone. For each set of extras, pip downloads what a fresh virtual
environment needs from the index that it is configured for, and then installs it from there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
WAYS = {"the command line": "", "with the page": "page", "with the server": "server", "all": "all"}
HEAD = (
    "| | packages | download, MB | seconds to install | CPU s | on the disk, MB | "
    "first picture, s |\n|---|---|---|---|---|---|---|"
)
SAMPLE = ROOT / "sample_images" / "cat.jpg"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The cost of one way of the install."""

    packages: int
    downloaded_bytes: int
    install_seconds: float
    """The time from an empty folder to a virtual environment with everything in it."""
    processor_seconds: float
    """The processor time of the same, which Windows does not tell; the rest is waiting."""
    installed_bytes: int
    """The bytes that the folder takes on the disk."""
    picture_seconds: float
    """The first start of the command, with one small picture."""

    def row(self, name: str) -> str:
        """Return the table's row."""
        cells = (
            name,
            self.packages,
            f"{self.downloaded_bytes / 1e6:.0f}",
            f"{self.install_seconds:.0f}",
            f"{self.processor_seconds:.0f}",
            f"{self.installed_bytes / 1e6:.0f}",
            f"{self.picture_seconds:.1f}",
        )
        return f"| {' | '.join(map(str, cells))} |"


def measure(wheel: Path, extra: str, work: Path) -> Cost:
    """Install the wheel with an extra into a folder below `work`."""
    downloads, place = work / "downloads", work / "environment"
    asked = f"super-resolution[{extra}] @ {wheel.as_uri()}"
    run(sys.executable, "-m", "pip", "download", "--quiet", "--dest", downloads, asked)
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    before, started = os.times(), time.perf_counter()
    run(sys.executable, "-m", "venv", place)
    run(
        *(python, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-index"),
        *("--find-links", downloads, asked),
    )
    after, installed = os.times(), time.perf_counter()
    size = size_on_disk(place)
    started_command = time.perf_counter()
    run(python, "-m", "super_resolution", "upscale", SAMPLE, "-o", work / "out")
    picture_seconds = time.perf_counter() - started_command
    files = list(downloads.iterdir())
    return Cost(
        packages=len(files),
        downloaded_bytes=sum(each.stat().st_size for each in files),
        install_seconds=installed - started,
        processor_seconds=after.children_user
        + after.children_system
        - before.children_user
        - before.children_system,
        installed_bytes=size,
        picture_seconds=picture_seconds,
    )


def run(*command: str | Path) -> None:
    """Run a program and keep what it prints to ourselves, unless it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)


def size_on_disk(folder: Path) -> int:
    """Return the bytes of all blocks; Windows tells the files' own sizes only."""
    found = [each.lstat() for each in folder.rglob("*")]
    return sum(
        each.st_blocks * 512 if hasattr(each, "st_blocks") else each.st_size for each in found
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=WAYS, help="one row; all by default")
    only = parser.parse_args().only
    with TemporaryDirectory() as folder:
        made = Path(folder, "wheel")
        run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", made, ROOT)
        (wheel,) = made.iterdir()
        print(HEAD)
        for name in [only] if only else WAYS:
            with TemporaryDirectory(dir=folder) as work:
                print(measure(wheel, WAYS[name], Path(work)).row(name), flush=True)


if __name__ == "__main__":
    main()
