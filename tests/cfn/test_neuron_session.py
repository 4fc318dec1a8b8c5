"""Compiled networks of one size behind the engine, by a stand-in."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend import Settings
from backend.errors import InferenceError, ModelError
from backend.factory import session_from
from backend.images.picture import RgbImage, decode
from backend.inference.neuron_session import FloatBatch, NeuronSession, load_torchscript
from backend.inference.upscaler import Upscaler
from backend.models.manifest import ModelSpec, read_manifest
from cfn.neuron.compile import main as compile_networks
from cfn.neuron.compile import network_steps
from tests.cfn.conftest import ROOT

SIDE = 24
SPEC = ModelSpec(
    name="compiled",
    scale=2,
    path=Path("compiled.pt"),
    receptive_radius=1,
    runtime="torch_neuronx",
    fixed_size=SIDE,
)


class Blur:
    """A 3 x 3 mean, enlarged by repetition: a pixel depends on its neighbours, as in a network."""

    def __init__(self) -> None:
        self.shapes: set[tuple[int, ...]] = set()
        self.cleanups: set[float] = set()

    def __call__(self, batch: FloatBatch, cleanup: FloatBatch) -> FloatBatch:
        self.shapes.add(batch.shape)
        self.cleanups.add(float(cleanup[0, 0, 0, 0]))
        return mean(batch).repeat(2, axis=2).repeat(2, axis=3)


def mean(batch: FloatBatch) -> FloatBatch:
    height, width = batch.shape[2:]
    wide = np.pad(batch, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    parts = [wide[:, :, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return np.asarray(np.sum(parts, axis=0, dtype=np.float32) / np.float32(9))


def whole(lr: RgbImage) -> RgbImage:
    """Return what the stand-in makes of a picture of any size at once."""
    batch = lr.transpose(2, 0, 1)[np.newaxis].astype(np.float32) / np.float32(255)
    levels = mean(batch).repeat(2, axis=2).repeat(2, axis=3)[0] * np.float32(255)
    rounded: RgbImage = np.clip(levels + np.float32(0.5), 0, 255).astype(np.uint8)
    return rounded.transpose(1, 2, 0)


@pytest.fixture
def picture(photo: Image.Image) -> RgbImage:
    return np.asarray(photo)


@pytest.mark.parametrize("size", [(1, 1), (5, 24), (24, 24), (25, 24), (64, 96), (61, 37)])
def test_tiles_of_one_size_equal_the_whole(picture: RgbImage, size: tuple[int, int]) -> None:
    lr = picture[: size[0], : size[1]]
    blur = Blur()
    sr = NeuronSession(SPEC, load=lambda spec: blur).run(lr, cleanup_level=0.5)
    assert np.array_equal(sr, whole(lr))
    assert blur.shapes == {(1, 3, SIDE, SIDE)}
    assert blur.cleanups == {0.5}


def test_with_too_small_a_padding_seams_appear(picture: RgbImage) -> None:
    session = NeuronSession(replace(SPEC, receptive_radius=0), load=lambda spec: Blur())
    assert not np.array_equal(session.run(picture, cleanup_level=0), whole(picture))


def test_the_upscaler_takes_it_as_any_other_session(picture: RgbImage) -> None:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    session = NeuronSession(SPEC, load=lambda spec: Blur())
    decoded = decode(buffer.getvalue(), max_side=4096)
    upscaled = Upscaler(session, tile_size=16).upscale(decoded)
    assert np.array_equal(upscaled.rgb, whole(picture))


def test_an_answer_of_another_size_is_an_error(picture: RgbImage) -> None:
    session = NeuronSession(SPEC, load=lambda spec: lambda batch, cleanup: batch)
    with pytest.raises(InferenceError, match="another size"):
        session.run(picture, cleanup_level=0)


@pytest.mark.parametrize("size", [None, 2])
def test_a_network_without_a_usable_size_is_refused(size: int | None) -> None:
    with pytest.raises(ModelError, match="fixed_size"):
        NeuronSession(replace(SPEC, fixed_size=size), load=lambda spec: Blur())


def test_a_compiled_network_cannot_be_unpadded() -> None:
    with pytest.raises(ModelError, match="'unpadded' is wrong"):
        NeuronSession(replace(SPEC, unpadded=True), load=lambda spec: Blur())


def test_an_unknown_runtime_is_refused() -> None:
    with pytest.raises(ModelError, match="no runtime 'os'"):
        load_torchscript(replace(SPEC, runtime="os"))


def test_a_machine_without_the_runtime_says_so(tmp_path: Path) -> None:
    file = tmp_path / "compiled.pt"
    file.write_bytes(b"compiled")
    sha256 = hashlib.sha256(b"compiled").hexdigest()
    with pytest.raises(ModelError, match="not installed"):
        load_torchscript(replace(SPEC, path=file, sha256=sha256, runtime="torch_neuronx"))


def test_the_manifest_decides_which_session_is_opened(tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(b"compiled")
    entry = {"name": "x", "scale": 2, "file": "x.pt", "receptive_radius": 1}
    compiled = {**entry, "runtime": "torch", "fixed_size": 64}
    (tmp_path / "manifest.json").write_text(json.dumps({"models": [compiled]}))
    spec = read_manifest(tmp_path)[0]
    with pytest.raises(ModelError, match="'torch', which is not installed"):
        session_from(spec, Settings())


def test_the_compile_script_reads_the_shipped_networks() -> None:
    for spec in read_manifest(ROOT / "backend" / "models" / "weights"):
        steps = network_steps(spec.path.read_bytes())
        kinds = [step.op_type for step in steps]
        assert set(kinds) <= {"Add", "Concat", "Conv", "Mul", "Relu", "Sigmoid", "Slice", "Sub"}
        assert {"lr.unit", "plane"} <= {name for step in steps for name in step.input}
        assert kinds.count("Conv") >= spec.receptive_radius


def test_inferentia_1_is_refused_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        compile_networks(["--out", str(tmp_path / "out"), "--target", "inf1"])
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert "2.20" in message
    assert "Python 3.10" in message
    assert not (tmp_path / "out").exists()
