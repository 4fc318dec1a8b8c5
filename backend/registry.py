"""Networks described as data: manifests are read and written here only, and files verified."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from backend.errors import ModelError
from backend.options import check_model

MANIFEST = "manifest.json"
SHIPPED = Path(__file__).parent / "models"
ONNX_RUNTIME = "onnxruntime"
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
    "credit": str,
    "source": str,
    "description": str,
    "runtime": str,
    "fixed_size": int,
    "training": dict,
    "quality": dict,
}
_LEAST: Mapping[str, int] = {"scale": 1, "multiple_of": 1, "multiplications": 1, "fixed_size": 1}


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
    credit: str = ""
    """The copyright notice of others, where the network is theirs or was made from theirs."""
    source: str = ""
    """The package that the network was taken from."""
    description: str = ""
    runtime: str = ONNX_RUNTIME
    """What runs the file; others are in `neuron_session.RUNTIMES`."""
    fixed_size: int | None = None
    """Side of the only input that a compiled network takes, in LR pixels."""
    training: Mapping[str, object] = field(default_factory=dict)
    quality: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Measured figures (`psnr_y`, …) by the name of the test set."""

    def error(self, reason: str) -> ModelError:
        """What is wrong with this network; `reason` ends the sentence, without its full stop."""
        return ModelError(f"The network '{self.name}' x{self.scale} {reason}.", model=self.name)


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
        entries = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["models"]
    except OSError as exc:
        raise ModelError("The networks' manifest cannot be read.") from exc
    except (ValueError, KeyError, TypeError) as exc:
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
    fields = {name: value for name, value in entry.items() if name != "file"}
    return ModelSpec(path=folder / str(entry["file"]), **fields)


def write_manifest(folder: Path, specs: Iterable[ModelSpec]) -> None:
    """Describe networks whose files are in the folder; a manifest there is whole at any moment."""
    text = json.dumps({"models": [entry_from(spec, folder) for spec in specs]}, indent=2)
    unfinished = folder / f".{MANIFEST}.unfinished"
    unfinished.write_text(text + "\n", encoding="utf-8")
    unfinished.replace(folder / MANIFEST)


def add_to_manifest(folder: Path, spec: ModelSpec) -> None:
    """Put a network in, in place of one of the same name and scale."""
    known = read_manifest(folder) if (folder / MANIFEST).exists() else []
    kept = [each for each in known if (each.name, each.scale) != (spec.name, spec.scale)]
    write_manifest(folder, sorted([*kept, spec], key=lambda each: (each.name, each.scale)))


def entry_from(spec: ModelSpec, folder: Path) -> dict[str, object]:
    """What the folder's manifest says of a network, without what is unknown or usual."""
    facts: dict[str, object] = {
        "name": spec.name,
        "scale": spec.scale,
        "file": _relative(spec.path, folder).as_posix(),
        "description": spec.description,
        "receptive_radius": spec.receptive_radius,
        "multiple_of": spec.multiple_of,
        "multiplications": spec.multiplications,
        "sha256": spec.sha256,
        "license": spec.license,
        "credit": spec.credit,
        "source": spec.source,
        "runtime": spec.runtime if spec.runtime != ONNX_RUNTIME else "",
        "fixed_size": spec.fixed_size,
        "training": spec.training,
        "quality": spec.quality,
    }
    return {name: fact for name, fact in facts.items() if fact not in (None, "", {})}


def _relative(path: Path, folder: Path) -> Path:
    """A file elsewhere, which an entry may name by its whole path, stays as it is."""
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def verified_bytes(spec: ModelSpec) -> bytes:
    """The network's file, once its sha256 is the manifest's; ModelError otherwise."""
    try:
        data = spec.path.read_bytes()
    except OSError as exc:
        raise spec.error("is not installed") from exc
    if spec.sha256 and hashlib.sha256(data).hexdigest() != spec.sha256:
        raise ModelError(
            f"The file of the network '{spec.name}' x{spec.scale} was changed or is incomplete.",
            model=spec.name,
        )
    return data
