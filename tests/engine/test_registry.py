"""Networks as data: the manifest's promises are checked."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from backend.errors import ModelError, UnknownModelError, UnsupportedScaleError
from backend.models.manifest import (
    MANIFEST,
    SHIPPED,
    add_to_manifest,
    entry_from,
    read_manifest,
    verified_bytes,
    write_manifest,
)
from backend.models.registry import load_registry

TIERS = {"fast": 65_000, "photo": 700_000, "quality": 430_000}
"""The most multiplications per LR pixel of a tier."""
ENTRY = {"name": "mine", "scale": 2, "file": "mine.onnx", "receptive_radius": 4}


def manifest(folder: Path, *entries: object) -> Path:
    (folder / "manifest.json").write_text(json.dumps({"models": entries}))
    return folder


def test_the_shipped_networks_are_the_files_that_the_manifest_names() -> None:
    specs = read_manifest(SHIPPED)
    assert {(spec.name, spec.scale) for spec in specs} == set(product(TIERS, (1, 2, 4)))
    for spec in specs:
        assert spec.multiplications is not None
        assert spec.multiplications <= TIERS[spec.name]
        assert spec.sha256
        assert spec.license
        assert verified_bytes(spec)
    named = {path.name for spec in specs for path in spec.paths}
    assert named == {path.name for path in SHIPPED.glob("*.onnx")}


def test_unknown_names_and_scales_are_named_errors() -> None:
    registry = load_registry(SHIPPED)
    with pytest.raises(UnknownModelError) as unknown:
        registry.find(name="magic", scale=2)
    assert "fast" in unknown.value.message
    with pytest.raises(UnsupportedScaleError):
        registry.find(name="fast", scale=3)


def test_a_users_network_joins_and_may_replace(tmp_path: Path) -> None:
    own = {**ENTRY, "name": "fast"}
    registry = load_registry(SHIPPED, manifest(tmp_path, ENTRY, own))
    assert "mine" in registry.models
    assert registry.find(name="fast", scale=2).path == tmp_path / "mine.onnx"
    assert registry.find(name="fast", scale=4).path.parent == SHIPPED


@pytest.mark.parametrize(
    "entry",
    [
        {**ENTRY, "scale": "2"},
        {**ENTRY, "radius": 4},
        {key: value for key, value in ENTRY.items() if key != "receptive_radius"},
    ],
)
def test_a_bad_entry_is_refused(tmp_path: Path, entry: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        read_manifest(manifest(tmp_path, entry))


@pytest.mark.parametrize("content", ["", "[]", '{"networks": []}', "{"])
def test_a_bad_manifest_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ModelError):
        read_manifest(tmp_path)


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.onnx").write_bytes(b"changed")
    spec = read_manifest(manifest(tmp_path, {**ENTRY, "sha256": "0" * 64}))[0]
    with pytest.raises(ModelError, match="changed"):
        verified_bytes(spec)


def test_a_manifest_is_written_as_it_was_read(tmp_path: Path) -> None:
    shipped = read_manifest(SHIPPED)
    moved = [
        replace(
            spec,
            path=tmp_path / spec.path.name,
            natural_path=spec.natural_path and tmp_path / spec.natural_path.name,
        )
        for spec in shipped
    ]
    write_manifest(tmp_path, moved)
    assert (tmp_path / MANIFEST).read_bytes() == (SHIPPED / MANIFEST).read_bytes()


def test_an_added_network_replaces_the_one_of_its_name_and_scale(tmp_path: Path) -> None:
    other = {**ENTRY, "scale": 4, "file": "folder/other.pt", "runtime": "torch", "fixed_size": 64}
    manifest(tmp_path, other, ENTRY)
    older = next(spec for spec in read_manifest(tmp_path) if spec.scale == 2)
    add_to_manifest(tmp_path, replace(older, description="newer"))
    assert json.loads((tmp_path / MANIFEST).read_text())["models"] == [
        {**ENTRY, "description": "newer", "multiple_of": 1},
        {**other, "multiple_of": 1},
    ]


def test_a_file_elsewhere_cannot_be_named(tmp_path: Path) -> None:
    elsewhere = {**ENTRY, "file": str(tmp_path / "elsewhere" / "mine.onnx")}
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(ModelError, match="leads out of its folder"):
        read_manifest(manifest(folder, elsewhere))


def test_a_manifest_that_cannot_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    before = (manifest(tmp_path, ENTRY) / MANIFEST).read_bytes()
    (spec,) = read_manifest(tmp_path)
    with pytest.raises(TypeError):
        write_manifest(tmp_path, [spec, replace(spec, training={"not JSON": object()})])
    assert (tmp_path / MANIFEST).read_bytes() == before


def test_the_first_network_makes_the_manifest(tmp_path: Path) -> None:
    spec = replace(read_manifest(SHIPPED)[0], path=tmp_path / "x.onnx")
    add_to_manifest(tmp_path, spec)
    assert read_manifest(tmp_path) == [spec]


def test_a_name_given_twice_is_refused(tmp_path: Path) -> None:
    """Both scales of one name are two networks."""
    manifest(tmp_path, ENTRY, {**ENTRY, "scale": 4})
    assert len(read_manifest(tmp_path)) == 2
    manifest(tmp_path, ENTRY, {**ENTRY, "file": "other.onnx"})
    with pytest.raises(ModelError, match="has 'mine' x2 2 times"):
        read_manifest(tmp_path)


def test_bfloat16_is_told_by_true_or_false_only(tmp_path: Path) -> None:
    (spec,) = read_manifest(manifest(tmp_path, {**ENTRY, "bfloat16": True}))
    assert spec.bfloat16
    assert entry_from(spec, tmp_path)["bfloat16"] is True
    for wrong in (1, "true", None):
        with pytest.raises(ModelError, match="'bfloat16' in the manifest is not a bool"):
            read_manifest(manifest(tmp_path, {**ENTRY, "bfloat16": wrong}))
    with pytest.raises(ModelError, match="'scale'"):
        read_manifest(manifest(tmp_path, {**ENTRY, "scale": True}))
