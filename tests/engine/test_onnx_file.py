"""Untrusted networks are checked before they are loaded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from backend.errors import ModelError
from backend.models.manifest import MANIFEST, SHIPPED, read_manifest, verified_bytes
from backend.models.onnx_file import check_network_file
from backend.models.registry import load_registry
from tests import networks

ENTRY = {"name": "own", "scale": 2, "file": "own.onnx", "receptive_radius": 3}


def write(folder: Path, **changed: object) -> None:
    (folder / MANIFEST).write_text(json.dumps({"models": [{**ENTRY, **changed}]}))


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.onnx")), ids=lambda path: path.name)
def test_the_shipped_networks_ask_for_nothing_special(path: Path) -> None:
    check_network_file(path.read_bytes())


def test_weights_outside_of_the_file_are_refused() -> None:
    model = networks.blurring()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    place = tensor.external_data.add()
    place.key, place.value = "location", "/etc/passwd"
    with pytest.raises(ModelError, match="outside of its file"):
        check_network_file(model.SerializeToString())


def test_weights_outside_of_the_file_are_found_in_attributes_too() -> None:
    model = networks.blurring()
    tensor = numpy_helper.from_array(np.zeros(3, "float32"), "x")
    tensor.data_location = TensorProto.EXTERNAL
    model.graph.node[0].attribute.append(helper.make_attribute("value", tensor))
    with pytest.raises(ModelError, match="outside of its file"):
        check_network_file(model.SerializeToString())


def test_operators_of_strangers_are_refused() -> None:
    model = networks.blurring()
    model.graph.node[0].domain = "com.example"
    with pytest.raises(ModelError, match="operators"):
        check_network_file(model.SerializeToString())
    model = networks.blurring()
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    with pytest.raises(ModelError, match="operators"):
        check_network_file(model.SerializeToString())


def test_operators_of_the_future_are_refused() -> None:
    model = networks.blurring()
    model.opset_import[0].version = 1000
    with pytest.raises(ModelError, match="version"):
        check_network_file(model.SerializeToString())


def test_graphs_within_graphs_are_bounded() -> None:
    inner = networks.blurring().graph
    for _ in range(12):
        node = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
        inner = helper.make_graph([node], "g", [], [])
        if len(inner.SerializeToString()) > 2**22:
            break
    model = ModelProto(graph=inner)
    with pytest.raises(ModelError, match="too many parts"):
        check_network_file(model.SerializeToString())


@pytest.mark.parametrize("data", [b"\xff" * 40, b"\x3a\xff\xff\xff\xff\x0f", b"\x3b", b"\x3a\x05a"])
def test_files_that_are_not_onnx_are_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match="not an ONNX file"):
        check_network_file(data)


@pytest.mark.parametrize(
    "file",
    ["../own.onnx", "/etc/passwd", "sub/../../own.onnx", "", " ", "a\0b", "."],
)
def test_a_file_outside_of_the_manifests_folder_is_refused(tmp_path: Path, file: str) -> None:
    write(tmp_path, file=file)
    with pytest.raises(ModelError) as caught:
        read_manifest(tmp_path)
    assert str(tmp_path) not in caught.value.message


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "networks"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "own.onnx").symlink_to(tmp_path / "secret")
    write(folder)
    with pytest.raises(ModelError, match="leads out"):
        read_manifest(folder)


def test_a_file_of_a_folder_below_is_read(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "own.onnx").write_bytes(b"1")
    write(tmp_path, file="below/own.onnx")
    assert verified_bytes(read_manifest(tmp_path)[0]) == b"1"


def test_a_file_that_changes_after_the_start_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.onnx").write_bytes(b"1")
    write(tmp_path)
    spec = load_registry(tmp_path).find(name="own", scale=2)
    assert verified_bytes(spec) == b"1"
    (tmp_path / "own.onnx").write_bytes(b"22")
    with pytest.raises(ModelError, match="changed"):
        verified_bytes(spec)


def test_a_file_that_arrives_after_the_start_is_read(tmp_path: Path) -> None:
    write(tmp_path)
    spec = load_registry(tmp_path).find(name="own", scale=2)
    (tmp_path / "own.onnx").write_bytes(b"1")
    assert verified_bytes(spec) == b"1"


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"models": [' + "{}," * 400_000 + "{}]}", '{"models": 1}', "\ud800"],
    ids=["deep", "large", "number", "half a character"],
)
def test_a_manifest_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ModelError):
        read_manifest(tmp_path)


@pytest.mark.parametrize("field", ["scale", "receptive_radius", "multiple_of", "multiplications"])
def test_numbers_of_a_manifest_are_bounded(tmp_path: Path, field: str) -> None:
    write(tmp_path, **{field: 2**60})
    with pytest.raises(ModelError, match="too large"):
        read_manifest(tmp_path)
