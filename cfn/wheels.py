"""Wheels for the machines in the cloud, independent of this machine."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

from cfn.errors import DeploymentError

PYTHON_VERSION = "3.13"
PLATFORMS = (
    "manylinux_2_28_x86_64",
    "manylinux_2_27_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
)
"""AWS Lambda's python3.13 and the containers have glibc 2.34; 2.28 is what the wheels ask for."""


def download(lock: Path, *, folder: Path) -> list[Path]:
    """Download the lock's wheels unless they are in `folder`, and return their paths by name."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = lock.read_text(encoding="utf-8")
    done = folder / "downloaded.txt"
    if not (done.exists() and done.read_text() == wanted):
        for old in folder.glob("*.whl"):
            old.unlink()
        command = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON_VERSION),
            *(word for platform in PLATFORMS for word in ("--platform", platform)),
            *("--require-hashes", "--no-deps", "--requirement", str(lock), "--dest", str(folder)),
        ]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if finished.returncode != 0:
            reason = next(
                (line for line in finished.stderr.splitlines() if line.startswith("ERROR")),
                "pip ended without saying why.",
            )
            raise DeploymentError(f"The packages could not be downloaded. {reason}")
        done.write_text(wanted, encoding="utf-8", newline="\n")
    return sorted(folder.glob("*.whl"))


def unpacked(wheel: Path) -> dict[str, bytes]:
    """Return what the wheel installs as path -> bytes, without scripts and headers."""
    contents: dict[str, bytes] = {}
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            name = entry.filename
            if found := re.match(r"[^/]+\.data/(\w+)/(.*)", name):
                if found[1] not in ("purelib", "platlib"):
                    continue
                name = found[2]
            if not entry.is_dir():
                contents[name] = archive.read(entry)
    return contents
