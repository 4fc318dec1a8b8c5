"""Networks described as data: manifests are read and written here only, and files verified."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from backend.errors import ModelError, RequestError
from backend.models.onnx_file import MAX_BYTES
from backend.models.onnx_weights import blend

MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 2**20
MAX_NUMBER = 2**53
SHIPPED = Path(__file__).parent / "weights"
ONNX_RUNTIME = "onnxruntime"
NEAREST = "nearest"
"""The runtime that repeats pixels: it needs no network and so no file."""
FULL_DETAIL = 100
RANGE = "range"
"""The metadata of a field with the least and the largest value; others have 0 and `MAX_NUMBER`."""


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One network at one scale; a manifest entry has the same fields in this order, but `stamp`."""

    name: str
    """The tier that requests name: `fast`, `quality`, …"""
    scale: int = field(metadata={RANGE: (1, 16)})
    path: Path
    description: str = ""
    receptive_radius: int = field(metadata={RANGE: (0, 4096)})
    """LR pixels around a pixel that can change its result; the tiles' padding."""
    unpadded: bool = False
    """True if the convolutions have no padding: a result lacks `border` pixels at each side."""
    multiple_of: int = field(default=1, metadata={RANGE: (1, 4096)})
    """Block side that the network works on; tiles are cut at its multiples."""
    multiplications: int | None = field(default=None, metadata={RANGE: (1, MAX_NUMBER)})
    """Multiplications per LR pixel, for estimates."""
    sha256: str | None = None
    license: str = ""
    credit: str = ""
    """The copyright notice of others, if the network is theirs or was made from theirs."""
    source: str = ""
    """The package that the network was taken from."""
    runtime: str = ONNX_RUNTIME
    """The runtime of the file; others are in `neuron_session.RUNTIMES`."""
    fixed_size: int | None = field(default=None, metadata={RANGE: (1, 65_536)})
    """Side of the only input that a compiled network takes, in LR pixels."""
    natural_path: Path | None = None
    """The same network with weights that invent less; `detail` blends the two."""
    natural_sha256: str | None = None
    detail: int | None = None
    """0 natural to 100 vivid, the default in the manifest; None for a network with one set of
    weights.
    """
    bfloat16: bool = False
    """True if the network loses next to nothing where a processor multiplies in bfloat16."""
    training: Mapping[str, object] = field(default_factory=dict)
    quality: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Measured figures (`psnr_y`, …) by the name of the test set."""
    stamp: tuple[int, int] | None = field(default=None, compare=False, repr=False)
    """Size and time of the file when the manifest was read; None if it did not exist."""

    @property
    def border(self) -> int:
        """LR pixels at each side of what the network reads that its result does not cover."""
        return self.receptive_radius if self.unpadded else 0

    @property
    def paths(self) -> list[Path]:
        """Every file that the network is made of."""
        if self.runtime == NEAREST:
            return []
        return [self.path, *([] if self.natural_path is None else [self.natural_path])]

    def with_detail(self, detail: int | None) -> ModelSpec:
        """Return the spec with a request's detail; raise RequestError if it has none."""
        if detail is None:
            return self
        if self.detail is None:
            raise RequestError(
                f"The model '{self.name}' has no 'detail'; leave the field out.", field="detail"
            )
        return replace(self, detail=detail)

    def error(self, reason: str) -> ModelError:
        """Make an error about this model; `reason` ends the sentence, without its full stop."""
        return ModelError(f"The network '{self.name}' x{self.scale} {reason}.", model=self.name)


_FIELDS = {
    each.name.replace("path", "file"): each for each in fields(ModelSpec) if each.name != "stamp"
}
"""The fields of an entry by name; paths in it are names of files."""


def _json_type(annotation: Any) -> type:
    """Return the type in JSON: `Path | None` is a str, and a Mapping a dict."""
    origin = get_origin(annotation)
    kind = get_args(annotation)[0] if origin is UnionType else origin or annotation
    found: type = {Path: str, Mapping: dict}.get(kind, kind)
    return found


_HINTS = get_type_hints(ModelSpec)
_KINDS = {name: _json_type(_HINTS[each.name]) for name, each in _FIELDS.items()}


def read_manifest(folder: Path) -> list[ModelSpec]:
    """Return the entries; raise ModelError if the manifest is missing, not JSON or wrong."""
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
    specs = [_spec(entry, folder) for entry in entries]
    seen = Counter((spec.name, spec.scale) for spec in specs)
    for (name, scale), count in seen.items():
        if count > 1:
            raise ModelError(f"The networks' manifest has '{name}' x{scale} {count} times.")
    return specs


def _spec(entry: object, folder: Path) -> ModelSpec:
    given = _checked(entry)
    values: dict[str, Any] = {
        _FIELDS[name].name: _path(folder, given, name) if name.endswith("file") else value
        for name, value in given.items()
    }
    return ModelSpec(stamp=_stamp(values["path"]), **values)


def _checked(entry: object) -> dict[str, Any]:
    """Return the entry; raise ModelError if a field is missing, unknown or impossible."""
    if not isinstance(entry, dict):
        raise ModelError("A manifest entry is not a JSON object.")
    for name, kind in _KINDS.items():
        is_required = _FIELDS[name].default is _FIELDS[name].default_factory is MISSING
        if is_required and not isinstance(entry.get(name), kind):
            raise ModelError(f"A manifest entry needs '{name}' ({kind.__name__}).", field=name)
    for name, value in entry.items():
        expected = _KINDS.get(name)
        if expected is None:
            raise ModelError(
                f"A manifest entry has an unknown field; known are: {', '.join(_KINDS)}."
            )
        if not isinstance(value, expected) or isinstance(value, bool) != (expected is bool):
            raise ModelError(f"'{name}' in the manifest is not a {expected.__name__}.", field=name)
        if isinstance(value, int):
            least, most = _FIELDS[name].metadata.get(RANGE, (0, MAX_NUMBER))
            if not least <= value <= most:
                size = "small" if value < least else "large"
                raise ModelError(f"'{name}' in the manifest is too {size}.", field=name)
    has_natural = [name in entry for name in ("natural_file", "detail")]
    if any(has_natural) and not (all(has_natural) and entry["detail"] <= FULL_DETAIL):
        raise ModelError(
            "A manifest entry with 'natural_file' has a 'detail' from 0 to 100, and no other has."
        )
    return entry


def _path(folder: Path, entry: Mapping[str, Any], field: str) -> Path:
    """Return the path of a file, which must lie in the folder, links included."""
    file = entry[field]
    if "\0" in file or not file.strip():
        raise ModelError(f"'{field}' in the manifest is not the name of a file.", field=field)
    path = folder / str(file)
    try:
        is_inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a name too long, links in a circle
        is_inside = False
    if not is_inside or path == folder:
        raise ModelError(f"'{field}' in the manifest leads out of its folder.", field=field)
    return path


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_size, facts.st_mtime_ns


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
    """Write a manifest entry, without what is unknown or usual."""
    facts = {name: getattr(spec, each.name) for name, each in _FIELDS.items()}
    if spec.runtime == ONNX_RUNTIME:
        del facts["runtime"]
    return {
        name: _relative(fact, folder).as_posix() if isinstance(fact, Path) else fact
        for name, fact in facts.items()
        if fact is not False and fact not in (None, "", {})
    }


def _relative(path: Path, folder: Path) -> Path:
    """Return the path as an entry names it; a file outside the folder keeps its full path."""
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def verified_bytes(spec: ModelSpec) -> bytes:
    """Return the bytes to load if the sha256 of each file is the manifest's.

    Raise ModelError otherwise. Two kinds of weights are blended as `detail` says.
    """
    vivid = _verified(spec, spec.path, spec.sha256)
    if spec.natural_path is None or spec.detail is None:
        return vivid
    natural = _verified(spec, spec.natural_path, spec.natural_sha256)
    try:
        return blend(natural, vivid, share=spec.detail / FULL_DETAIL)
    except ValueError as exc:
        raise spec.error("is made of two files that do not fit one another") from exc


def _verified(spec: ModelSpec, path: Path, sha256: str | None) -> bytes:
    try:
        with path.open("rb") as file:
            # A longer file fails the hash or the reader; no room is reserved beforehand.
            data = file.read(min(MAX_BYTES, os.fstat(file.fileno()).st_size) + 1)
    except (OSError, ValueError) as exc:
        raise spec.error("is not installed") from exc
    if sha256:
        is_changed = hashlib.sha256(data).hexdigest() != sha256
    else:
        is_changed = path == spec.path and spec.stamp is not None and _stamp(path) != spec.stamp
    if is_changed:
        raise ModelError(
            f"The file of the network '{spec.name}' x{spec.scale} was changed or is incomplete.",
            model=spec.name,
        )
    return data
