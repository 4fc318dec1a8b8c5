"""Everything that a stack takes from S3, and the templates that name it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.errors import ModelError
from backend.models.manifest import MANIFEST, SHIPPED, read_manifest, verified_bytes
from cfn import templates, wheels
from cfn.archives import Contents, write_tar_gz, write_zip
from cfn.errors import DeploymentError
from cfn.variants import (
    FUNCTION_ARCHIVE,
    GPU_ARCHIVE,
    MODEL_ARCHIVE,
    NEURON_ARCHIVE,
    PACKAGE_NAMES,
    VARIANTS,
    Variant,
)

HERE = Path(__file__).parent
ROOT = HERE.parent
BACKEND = ROOT / "backend"
FUNCTION_LOCK = HERE / "requirements-function.lock"
GPU_LOCK = HERE / "requirements-gpu.lock"
BUILD = ROOT / "build" / "cfn"
FOLDER = "super-resolution"
WHEELS_IN_CONTAINER = "/opt/ml/model/wheels"
LAMBDA_LIMIT_BYTES = 250 * 2**20
"""AWS Lambda's limit on an unzipped function."""
LICENSE = "LICENSE"


@dataclass(frozen=True, kw_only=True)
class Package:
    """The files of one packaging, in one folder."""

    folder: Path
    digests: Mapping[str, str]
    """File name of each archive -> its sha256."""
    variants: tuple[Variant, ...]
    """The variants whose templates are there."""
    release: str | None = None
    """The version that names the folder in a bucket of published ones."""

    @property
    def prefix(self) -> str:
        """The folder in the bucket, named by the release or by the archives."""
        if self.release is not None:
            return f"{FOLDER}/{self.release}"
        lines = "".join(f"{digest} {name}\n" for name, digest in sorted(self.digests.items()))
        return f"{FOLDER}/{hashlib.sha256(lines.encode()).hexdigest()[:16]}"

    @property
    def files(self) -> dict[str, Path]:
        """The key in the bucket of every archive and template -> its file."""
        names = [*sorted(self.digests), *(variant.template for variant in self.variants)]
        return {f"{self.prefix}/{name}": self.folder / name for name in names}

    def mapping(self, variant: Variant, *, bucket: str) -> templates.PackageMapping:
        """Return the mapping `Package` of the variant's template."""
        files = {
            PACKAGE_NAMES[file]: {
                "Key": f"{self.prefix}/{file}",
                "Sha256": self.digests[file],
            }
            for file in variant.archives
            if file in self.digests  # networks may not have been compiled
        }
        return {**templates.not_packaged(variant), "Bucket": {"Name": bucket}, **files}

    def write_templates(self, *, bucket: str | None) -> None:
        """Write the templates beside the archives; without a bucket they are only to be read."""
        for variant in self.variants:
            package = None if bucket is None else self.mapping(variant, bucket=bucket)
            text = templates.render(variant, package)
            (self.folder / variant.template).write_text(text, encoding="utf-8", newline="\n")


def build(
    folder: Path,
    *,
    bucket: str | None,
    variants: Iterable[Variant] = tuple(VARIANTS.values()),
    neuron: Path | None = None,
    cache: Path = BUILD,
    models: Path = SHIPPED,
    release: str | None = None,
) -> Package:
    """Make archives and templates of these variants; DeploymentError says what is wrong.

    `neuron` is a folder that `cfn/neuron/compile.py` made; without one there is no archive for
    Inferentia. `models` has the networks and their manifest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    variants = tuple(variants)
    wanted = {name for variant in variants for name in variant.archives}
    digests: dict[str, str] = {}
    if FUNCTION_ARCHIVE in wanted:
        function = function_contents(cache=cache, models=models)
        check_size(function)
        digests[FUNCTION_ARCHIVE] = write_zip(folder / FUNCTION_ARCHIVE, function)
    if MODEL_ARCHIVE in wanted:
        digests[MODEL_ARCHIVE] = write_zip(folder / MODEL_ARCHIVE, model_contents(models))
    if GPU_ARCHIVE in wanted:
        gpu = gpu_contents(cache=cache, models=models)
        digests[GPU_ARCHIVE] = write_tar_gz(folder / GPU_ARCHIVE, gpu)
    if NEURON_ARCHIVE in wanted and neuron is not None:
        digests[NEURON_ARCHIVE] = write_tar_gz(folder / NEURON_ARCHIVE, model_contents(neuron))
    package = Package(folder=folder, digests=digests, variants=variants, release=release)
    package.write_templates(bucket=bucket)
    return package


def function_contents(*, cache: Path, models: Path) -> Contents:
    """Return the code, the networks and their packages: a function without a file system."""
    contents: dict[str, Path | bytes] = dict(engine_contents(models))
    for wheel in wheels.download(FUNCTION_LOCK, folder=cache / "function"):
        contents |= wheels.unpacked(wheel)
    return contents


def gpu_contents(*, cache: Path, models: Path) -> Contents:
    """Return the layout that AWS's image for Ray Serve reads, wheels included."""
    contents: dict[str, Path | bytes] = dict(engine_contents(models))
    for wheel in wheels.download(GPU_LOCK, folder=cache / "gpu"):
        contents[f"wheels/{wheel.name}"] = wheel
    # The whole lock: the image's own Pillow and NumPy would satisfy bare names.
    lines = f"--no-index\n--find-links {WHEELS_IN_CONTAINER}\n{GPU_LOCK.read_text('utf-8')}"
    contents["code/requirements.txt"] = lines.encode()
    contents["config.yaml"] = HERE / "ray_serve.yaml"
    return contents


def engine_contents(models: Path) -> Contents:
    """Return the package `backend` with these networks in place of its own."""
    networks = {f"backend/models/weights/{name}": at for name, at in model_contents(models).items()}
    return {**code_contents(), **networks}


def code_contents() -> Contents:
    """Return the package `backend` without its networks and their manifest."""
    networks = set(model_contents(SHIPPED).values())
    return {
        path.relative_to(ROOT).as_posix(): path
        for path in BACKEND.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path not in networks
    }


def model_contents(folder: Path) -> dict[str, Path]:
    """Return the manifest, the networks that it names, verified, and their licences."""
    try:
        specs = read_manifest(folder)
        for spec in specs:
            verified_bytes(spec)
    except ModelError as exc:
        raise DeploymentError(f"{folder} cannot be packaged. {exc.message}") from exc
    networks = [path for spec in specs for path in spec.paths]
    licenses = {path.with_name(LICENSE) for path in networks}
    paths = [folder / MANIFEST, *networks, *sorted(each for each in licenses if each.is_file())]
    return {path.relative_to(folder).as_posix(): path for path in paths}


def check_size(contents: Contents, *, limit: int = LAMBDA_LIMIT_BYTES) -> int:
    """Return the unzipped bytes; raise DeploymentError if AWS would refuse so many."""
    sizes: dict[str, int] = {}
    for name, source in contents.items():
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        top = name.partition("/")[0]
        sizes[top] = sizes.get(top, 0) + size
    total = sum(sizes.values())
    if total > limit:
        largest = sorted(sizes, key=lambda each: -sizes[each])[:3]
        shown = ", ".join(f"{name} {sizes[name] / 2**20:.0f} MB" for name in largest)
        raise DeploymentError(
            f"The function has {total / 2**20:.0f} MB unzipped and AWS Lambda takes "
            f"{limit / 2**20:.0f}; the largest packages are {shown}."
        )
    return total
