"""Packaging makes the same bytes from the same files, and nothing that AWS would refuse."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backend.images import photo_or_drawing
from backend.models.manifest import SHIPPED, entry_from, read_manifest
from cfn import package, wheels
from cfn.__main__ import main
from cfn.archives import read, write_tar_gz, write_zip
from cfn.errors import DeploymentError
from cfn.package import Package, build, check_size, model_contents
from cfn.variants import (
    FUNCTION_ARCHIVE,
    GPU,
    GPU_ARCHIVE,
    INF,
    LAMBDA,
    MODEL_ARCHIVE,
    NEURON_ARCHIVE,
    VARIANTS,
)
from tests.cfn.resolver import Stack, load_file


def made(cache: Path, lock: Path, wheel: Mapping[str, bytes]) -> None:
    """A folder of downloaded wheels, as an earlier run left it."""
    cache.mkdir(parents=True)
    with zipfile.ZipFile(cache / "thing-1.0-py3-none-any.whl", "w") as archive:
        for name, data in wheel.items():
            archive.writestr(name, data)
    (cache / "downloaded.txt").write_text(lock.read_text())


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with one small wheel for each purpose, so that nothing is downloaded."""
    folder = tmp_path_factory.mktemp("cache")
    wheel = {
        "thing/__init__.py": b"VALUE = 1\n",
        "thing-1.0.data/purelib/other.py": b"",
        "thing-1.0.data/scripts/thing": b"#!/bin/sh\n",
    }
    made(folder / "function", package.FUNCTION_LOCK, wheel)
    made(folder / "gpu", package.GPU_LOCK, wheel)
    return folder


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the compile script leaves it."""
    folder = tmp_path_factory.mktemp("neuron")
    (folder / "fast_x2.pt").write_bytes(b"compiled")
    entry = {
        "name": "fast",
        "scale": 2,
        "file": "fast_x2.pt",
        "receptive_radius": 8,
        "runtime": "torch_neuronx",
        "fixed_size": 416,
        "sha256": hashlib.sha256(b"compiled").hexdigest(),
    }
    (folder / "manifest.json").write_text(json.dumps({"models": [entry]}))
    return folder


@pytest.fixture
def neuron(compiled: Path, tmp_path: Path) -> Path:
    """A copy of the networks, to be changed."""
    return Path(shutil.copytree(compiled, tmp_path / "neuron"))


@pytest.fixture(scope="module")
def built(cache: Path, compiled: Path, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Every variant's package."""
    folder = tmp_path_factory.mktemp("package")
    return build(folder, bucket="artifacts", neuron=compiled, cache=cache)


def test_the_same_input_gives_the_same_bytes(
    built: Package, cache: Path, neuron: Path, tmp_path: Path
) -> None:
    packages = [built, build(tmp_path / "two", bucket="artifacts", neuron=neuron, cache=cache)]
    assert packages[0].digests == packages[1].digests
    assert packages[0].prefix == packages[1].prefix
    for variant in VARIANTS.values():
        first, second = (each.folder / variant.template for each in packages)
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("write", [write_zip, write_tar_gz])
def test_another_byte_or_order_decides_about_the_archive(write: object, tmp_path: Path) -> None:
    assert callable(write)
    first = write(tmp_path / "1", {"a": b"1", "b": b"2"})
    assert first == write(tmp_path / "2", {"b": b"2", "a": b"1"})
    assert first != write(tmp_path / "3", {"a": b"1", "b": b"3"})
    assert first == hashlib.sha256((tmp_path / "1").read_bytes()).hexdigest()


def test_every_archive_that_a_template_names_is_there(built: Package) -> None:
    for variant in VARIANTS.values():
        given: dict[str, Any] = {
            "inf": {"containerImage": "1" * 12 + ".dkr.ecr.x/a:1"},
            "lambda": {"modelStorage": "efs"},
        }.get(variant.name, {})
        stack = Stack(load_file(built.folder / variant.template), **given)
        package_mapping = load_file(built.folder / variant.template)["Mappings"]["Package"]
        assert package_mapping == built.mapping(variant, bucket="artifacts")
        for name in variant.archives:
            assert name in built.digests
            assert f"{built.prefix}/{name}" in json.dumps(stack.resources)
        assert package_mapping["Function"]["Sha256"] == built.digests[FUNCTION_ARCHIVE]


def test_a_wheel_with_another_hash_is_not_packaged(tmp_path: Path) -> None:
    wheel = tmp_path / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("thing.py", b"")
        archive.writestr("thing-1.0.dist-info/METADATA", "Name: thing\nVersion: 1.0\n")
        archive.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    lock = tmp_path / "thing.lock"
    for digest, is_taken in (
        (hashlib.sha256(wheel.read_bytes()).hexdigest(), True),
        ("0" * 64, False),
    ):
        lock.write_text(
            f"--no-index\n--find-links {tmp_path}\nthing==1.0 \\\n    --hash=sha256:{digest}\n"
        )
        if is_taken:
            assert [each.name for each in wheels.download(lock, folder=tmp_path / "a")] == [
                wheel.name
            ]
        else:
            with pytest.raises(DeploymentError, match="HASHES"):
                wheels.download(lock, folder=tmp_path / "b")


def test_the_function_has_the_code_its_wheels_and_the_networks(built: Package) -> None:
    with zipfile.ZipFile(built.folder / FUNCTION_ARCHIVE) as archive:
        names = set(archive.namelist())
    assert {"backend/aws/lambda_handler.py", "thing/__init__.py", "other.py"} <= names
    files = {path.name for spec in read_manifest(SHIPPED) for path in spec.paths}
    assert {f"backend/models/weights/{name}" for name in ("manifest.json", *files)} <= names
    assert f"backend/models/weights/{photo_or_drawing.WEIGHTS_FILE.name}" in names, (
        "what `auto` chooses by"
    )
    assert not [name for name in names if name.endswith(".pyc") or "scripts" in name]


def test_networks_of_one_s_own_take_the_place_of_the_shipped_ones(
    cache: Path, neuron: Path, tmp_path: Path
) -> None:
    build(tmp_path, bucket=None, variants=[LAMBDA], cache=cache, models=neuron)
    with zipfile.ZipFile(tmp_path / FUNCTION_ARCHIVE) as archive:
        found = {name for name in archive.namelist() if name.startswith("backend/models/weights/")}
    found.remove(f"backend/models/weights/{photo_or_drawing.WEIGHTS_FILE.name}")
    assert found == {"backend/models/weights/manifest.json", "backend/models/weights/fast_x2.pt"}


def test_only_the_chosen_variants_have_templates(
    cache: Path, compiled: Path, tmp_path: Path
) -> None:
    build(tmp_path, bucket=None, variants=[GPU], cache=cache, models=compiled)
    assert [path.name for path in tmp_path.glob("*.yaml")] == [GPU.template]


def test_the_gpu_archive_has_the_layout_of_its_container(built: Package) -> None:
    with tarfile.open(built.folder / GPU_ARCHIVE) as archive:
        names = set(archive.getnames())
        requirements = archive.extractfile("code/requirements.txt")
        assert requirements is not None
        lines = requirements.read().decode().splitlines()
    assert {
        "config.yaml",
        "backend/aws/ray_serve.py",
        "backend/inference/local_engine.py",
        "backend/models/weights/manifest.json",
        "wheels/thing-1.0-py3-none-any.whl",
    } <= names
    assert lines[:2] == ["--no-index", "--find-links /opt/ml/model/wheels"]
    # Names alone would be satisfied by what the image brings.
    pinned = {line.partition("==")[0] for line in lines if "==" in line}
    assert {"onnxruntime-gpu", "pillow", "numpy", "requests-hardened", "requests"} <= pinned
    assert not [line for line in lines if line[:1].isalpha() and "==" not in line]


def test_without_compiled_networks_there_is_no_archive_for_inferentia(
    cache: Path, compiled: Path, tmp_path: Path
) -> None:
    made = build(tmp_path, bucket=None, variants=[INF], cache=cache, models=compiled)
    assert NEURON_ARCHIVE not in made.digests


def test_a_function_that_is_too_large_is_refused_with_its_largest_packages() -> None:
    contents = {"numpy/a": b"0" * 300, "PIL/a": b"0" * 100, "x.py": b"0"}
    assert check_size(contents, limit=401) == 401
    with pytest.raises(DeploymentError, match="numpy"):
        check_size(contents, limit=400)


def test_a_changed_or_missing_network_is_not_packaged(neuron: Path) -> None:
    (neuron / "fast_x2.pt").write_bytes(b"changed")
    with pytest.raises(DeploymentError, match="was changed or is incomplete"):
        model_contents(neuron)
    (neuron / "fast_x2.pt").unlink()
    with pytest.raises(DeploymentError, match="is not installed"):
        model_contents(neuron)
    (neuron / "manifest.json").write_text("[]")
    with pytest.raises(DeploymentError, match="manifest is not"):
        model_contents(neuron)


def test_both_weights_of_a_network_and_the_licences_of_others_are_packaged(tmp_path: Path) -> None:
    others = tmp_path / "others"
    others.mkdir()
    specs = [spec for spec in read_manifest(SHIPPED) if (spec.name, spec.scale) == ("photo", 2)]
    for path in specs[0].paths:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    fast = next(spec for spec in read_manifest(SHIPPED) if spec.name == "fast")
    (others / "network.onnx").write_bytes(fast.path.read_bytes())
    (others / "LICENSE").write_text("Whose it is, and what may be done with it.")
    (tmp_path / "notes.txt").write_text("of no use")
    entries = [
        entry_from(specs[0], SHIPPED),
        {**entry_from(fast, SHIPPED), "file": "others/network.onnx"},
    ]
    (tmp_path / "manifest.json").write_text(json.dumps({"models": entries}))
    assert set(model_contents(tmp_path)) == {
        "manifest.json",
        *(path.name for path in specs[0].paths),
        "others/network.onnx",
        "others/LICENSE",
    }
    natural = specs[0].natural_path
    assert natural is not None
    (tmp_path / natural.name).unlink()
    with pytest.raises(DeploymentError, match="'photo' x2 is not installed"):
        model_contents(tmp_path)


def test_the_folder_changes_with_any_archive(tmp_path: Path) -> None:
    def prefix(**changed: str) -> str:
        digests = dict.fromkeys((FUNCTION_ARCHIVE, MODEL_ARCHIVE), "1")
        return Package(folder=tmp_path, digests=digests | changed, variants=(LAMBDA,)).prefix

    assert prefix() == prefix()
    assert len({prefix(), prefix(**{MODEL_ARCHIVE: "2"}), prefix(**{FUNCTION_ARCHIVE: "2"})}) == 3


def test_the_real_packages_fit_into_a_function(tmp_path: Path) -> None:
    """Download from the package index, unless an earlier run has."""
    assert main(["package", "--variants", "lambda", "--out", str(tmp_path)]) == 0
    again = package.function_contents(cache=package.BUILD, models=SHIPPED)
    with zipfile.ZipFile(tmp_path / FUNCTION_ARCHIVE) as archive:
        assert archive.namelist() == sorted(again)
        for name, source in again.items():
            assert archive.read(name) == read(source), name
        assert sum(entry.file_size for entry in archive.infolist()) < package.LAMBDA_LIMIT_BYTES
        libraries = [name for name in archive.namelist() if name.endswith(".so")]
        core = next(name for name in libraries if "onnxruntime_pybind11_state" in name)
        header = io.BytesIO(archive.read(core)).read(20)
    assert header[:4] == b"\x7fELF"
    assert header[18] == 0x3E, "a library for x86_64"
    tagged = [name for name in libraries if "cpython" in name]
    assert tagged
    assert all("cpython-313-x86_64-linux-gnu" in name for name in tagged)
