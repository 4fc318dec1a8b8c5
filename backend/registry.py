"""Networks described as data: the manifests, and the files they name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from backend.errors import ModelError
from backend.onnx_file import MAX_BYTES
from backend.options import check_model

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 2**20
MAX_NUMBER = 2**53
SHIPPED = Path(__file__).parent / "models"
_REQUIRED: Mapping[str, type] = {
    "name": str,
    "scale": int,
    "file": str,
    "receptive_radius": int,
}
_OPTIONAL: Mapping[str, type] = {
    "multiple_of": int,
    "multiplications": int,
    "sha256": str,
    "license": str,
    "description": str,
    "runtime": str,
    "fixed_size": int,
    "training": dict,
    "quality": dict,
}
_LEAST: Mapping[str, int] = {"scale": 1, "multiple_of": 1, "multiplications": 1, "fixed_size": 1}

_MOST: Mapping[str, int] = {
    "scale": 16,
    "receptive_radius": 4096,
    "multiple_of": 4096,
    "fixed_size": 65_536,
}


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One network at one scale."""

    name: str
    """The tier that requests name: `fast`, `quality`, …"""
    scale: int
    path: Path
    receptive_radius: int
    """LR pixels around a pixel that can change its result; the tiles' padding."""
    multiple_of: int = 1
    """Block side that the network works on; tiles are cut at its multiples."""
    multiplications: int | None = None
    """Multiplications per LR pixel, for estimates."""
    sha256: str | None = None
    license: str = ""
    description: str = ""
    runtime: str = "onnxruntime"
    """What runs the file; others are in `neuron_session.RUNTIMES`."""
    fixed_size: int | None = None
    """Side of the only input that a compiled network takes, in LR pixels."""
    stamp: tuple[int, int] | None = field(default=None, compare=False, repr=False)
    """Size and time of the file when the manifest was read; None when it was not there yet."""
    training: Mapping[str, object] = field(default_factory=dict)
    quality: Mapping[str, object] = field(default_factory=dict)


class Registry:
    """Every network this process can use, by name and scale."""

    def __init__(self, specs: Iterable[ModelSpec]) -> None:
        self._specs = {(spec.name, spec.scale): spec for spec in specs}

    @property
    def specs(self) -> list[ModelSpec]:
        """All networks, in manifest order."""
        return list(self._specs.values())

    @property
    def models(self) -> dict[str, list[int]]:
        """The scales of each tier, the tiers in manifest order."""
        found: dict[str, list[int]] = {}
        for name, scale in self._specs:
            found[name] = sorted([*found.get(name, []), scale])
        return found

    def find(self, *, name: str, scale: int) -> ModelSpec:
        """UnknownModelError or UnsupportedScaleError when there is no such network."""
        check_model(self.models, name=name, scale=scale)
        return self._specs[name, scale]


def load_registry(*folders: Path) -> Registry:
    """Read each folder's manifest; a later folder's network replaces one of the same name."""
    return Registry(spec for folder in folders for spec in read_manifest(folder))


def read_manifest(folder: Path) -> list[ModelSpec]:
    """ModelError when the manifest is missing, is not JSON, or lacks or misspells a field."""
    try:
        with (folder / MANIFEST).open("rb") as file:
            text = file.read(MAX_MANIFEST_BYTES + 1)
        if len(text) > MAX_MANIFEST_BYTES:
            raise ModelError("The networks' manifest is too large.")
        entries = json.loads(text)["models"]
    except OSError as exc:
        raise ModelError("The networks' manifest cannot be read.") from exc
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise ModelError(
            "The networks' manifest is not a JSON object with a 'models' list."
        ) from exc
    if not isinstance(entries, list):
        raise ModelError("'models' in the networks' manifest is not a list.")
    return [_spec(entry, folder) for entry in entries]


def _spec(entry: object, folder: Path) -> ModelSpec:
    if not isinstance(entry, dict):
        raise ModelError("A manifest entry is not a JSON object.")
    for name, kind in _REQUIRED.items():
        if not isinstance(entry.get(name), kind):
            raise ModelError(f"A manifest entry needs '{name}' ({kind.__name__}).", field=name)
    for name, value in entry.items():
        expected = _REQUIRED.get(name) or _OPTIONAL.get(name)
        if expected is None:
            known = ", ".join([*_REQUIRED, *_OPTIONAL])
            raise ModelError(f"A manifest entry has an unknown field; known are: {known}.")
        if not isinstance(value, expected) or isinstance(value, bool):
            raise ModelError(f"'{name}' in the manifest is not a {expected.__name__}.", field=name)
        if isinstance(value, int) and value < _LEAST.get(name, 0):
            raise ModelError(f"'{name}' in the manifest is too small.", field=name)
        if isinstance(value, int) and value > _MOST.get(name, MAX_NUMBER):
            raise ModelError(f"'{name}' in the manifest is too large.", field=name)
    fields = {name: value for name, value in entry.items() if name != "file"}
    path = _path(folder, entry["file"])
    return ModelSpec(path=path, stamp=_stamp(path), **fields)


def _path(folder: Path, file: str) -> Path:
    """A file of the folder, whatever its name and its links say."""
    if "\0" in file or not file.strip():
        raise ModelError("'file' in the manifest is not the name of a file.", field="file")
    path = folder / file
    try:
        is_inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a name too long, links in a circle
        is_inside = False
    if not is_inside or path == folder:
        raise ModelError("'file' in the manifest leads out of its folder.", field="file")
    return path


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_size, facts.st_mtime_ns


def verified_bytes(spec: ModelSpec) -> bytes:
    """The network's file, once its sha256 is the manifest's; ModelError otherwise."""
    try:
        with spec.path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as exc:
        raise ModelError(
            f"The network '{spec.name}' x{spec.scale} is not installed.", model=spec.name
        ) from exc
    if spec.sha256:
        is_changed = hashlib.sha256(data).hexdigest() != spec.sha256
    else:
        is_changed = spec.stamp is not None and _stamp(spec.path) != spec.stamp
    if is_changed:
        raise ModelError(
            f"The file of the network '{spec.name}' x{spec.scale} was changed or is incomplete.",
            model=spec.name,
        )
    return data
