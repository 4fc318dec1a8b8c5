"""The shipped x1 networks belong to the shipped x2 networks."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from backend.models.manifest import SHIPPED, ModelSpec, read_manifest, write_manifest
from training.clean import cleaned
from training.clean import main as clean

DOUBLE = [spec for spec in read_manifest(SHIPPED) if spec.scale == 2]


@pytest.mark.parametrize("spec", DOUBLE, ids=lambda spec: spec.name)
def test_every_x1_network_was_made_of_its_x2_network(spec: ModelSpec) -> None:
    made = {(each.name, each.scale): each for each in read_manifest(SHIPPED)}[spec.name, 1]
    for path, source in zip(made.paths, spec.paths, strict=True):
        assert weights(onnx.load(path)) == weights(cleaned(onnx.load(source)))
    assert made.detail == spec.detail
    assert made.receptive_radius == spec.receptive_radius


def test_the_command_writes_file_and_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("fast_x2.onnx", "quality_x2.onnx"):
        shutil.copy(SHIPPED / name, tmp_path)
    entries = [spec for spec in read_manifest(SHIPPED) if spec.name == "fast" and spec.scale == 2]
    write_manifest(tmp_path, [_in(tmp_path, spec) for spec in entries])
    monkeypatch.setattr("sys.argv", ["clean", "fast", "--models", str(tmp_path)])
    clean()
    single, double = read_manifest(tmp_path)
    assert (single.scale, double.scale) == (1, 2)
    assert single.multiplications is not None and double.multiplications is not None
    assert single.multiplications < double.multiplications
    assert single.path.exists()


def _in(folder: Path, spec: ModelSpec) -> ModelSpec:
    return replace(spec, path=folder / spec.path.name)


def weights(model: onnx.ModelProto) -> dict[str, bytes]:
    return {
        each.name: np.ascontiguousarray(numpy_helper.to_array(each)).tobytes()
        for each in model.graph.initializer
    }
