"""The shipped networks in OpenVINO: their answers, in tiles and whole, and its silence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend import LocalEngine, Settings, UpscaleOptions, create_engine
from backend.errors import ModelError
from backend.images.picture import Picture
from backend.inference import openvino_runtime
from backend.inference.health import check
from backend.inference.openvino_session import OpenVinoSession
from backend.inference.upscaler import Upscaler
from backend.models.manifest import SHIPPED, ModelSpec, read_manifest
from tests.engine.test_means import LEVELS, PATTERNS, largest_drift
from tests.hostile.corpus import jpeg
from tests.network.tracing import Trace, assert_silent

SPECS = read_manifest(SHIPPED)
EVERY_SPEC = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.name} x{spec.scale}")


@pytest.fixture(scope="module")
def noise() -> Picture:
    return Picture(rgb=np.random.default_rng(7).integers(0, 256, (75, 91, 3), np.uint8))


def session(spec: ModelSpec, *, bfloat16: bool) -> OpenVinoSession:
    return OpenVinoSession(replace(spec, bfloat16=True), threads=1, has_matrix_units=bfloat16)


@EVERY_SPEC
@pytest.mark.parametrize("bfloat16", [False, True])
def test_tiles_equal_the_whole(spec: ModelSpec, noise: Picture, bfloat16: bool) -> None:
    opened = session(spec, bfloat16=bfloat16)
    whole = Upscaler(opened, tile_size=1000).upscale(noise, cleanup_level=0.4)
    for tile_size in (16, 33, 64):
        tiled = Upscaler(opened, tile_size=tile_size).upscale(noise, cleanup_level=0.4)
        np.testing.assert_array_equal(tiled.rgb, whole.rgb)


@EVERY_SPEC
def test_openvino_in_float32_answers_as_onnx_runtime(
    engine: LocalEngine, spec: ModelSpec, noise: Picture
) -> None:
    theirs = Upscaler(session(spec, bfloat16=False), tile_size=64).upscale(noise)
    ours = Upscaler(engine.session(model=spec.name, scale=spec.scale), tile_size=64).upscale(noise)
    assert np.abs(theirs.rgb.astype(int) - ours.rgb).max() <= 1


@EVERY_SPEC
@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_mean_of_every_area_stays(spec: ModelSpec, pattern: str) -> None:
    lr = PATTERNS[pattern]
    opened = session(spec, bfloat16=spec.bfloat16)
    sr = Upscaler(opened, tile_size=384).upscale(Picture(rgb=lr))
    assert largest_drift(sr.rgb, lr, scale=spec.scale) <= LEVELS


def test_the_setting_chooses_it_and_health_says_so() -> None:
    engine = create_engine(replace(Settings(), runtime="openvino"))
    assert isinstance(engine.session(model="fast", scale=2), OpenVinoSession)
    assert engine.upscale(jpeg(), UpscaleOptions(scale=2)).width > 0
    assert all(name.startswith("OpenVINO") for name in check(engine).providers)


def test_onnx_runtime_stays_on_request() -> None:
    engine = create_engine(replace(Settings(), runtime="onnxruntime"))
    assert not isinstance(engine.session(model="fast", scale=2), OpenVinoSession)


def test_a_damaged_network_is_told(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes((SHIPPED / "fast_x2.onnx").read_bytes()[:5000])
    spec = ModelSpec(name="broken", scale=2, path=path, receptive_radius=8)
    with pytest.raises(ModelError, match="'broken' x2"):
        session(spec, bfloat16=False)


def test_openvino_speaks_to_nobody(tmp_path: Path) -> None:
    picture = tmp_path / "in.jpg"
    picture.write_bytes(jpeg())
    trace = Trace(tmp_path)
    trace.run(
        "-m", "backend", "upscale", str(picture), "-o", str(tmp_path / "out.png"),
        SR_RUNTIME="openvino",
    )  # fmt: skip
    assert (tmp_path / "out.png").exists()
    assert_silent(trace)


def test_the_telemetry_of_openvino_cannot_be_imported() -> None:
    openvino_runtime.core()
    with pytest.raises(ImportError):
        __import__(openvino_runtime.TELEMETRY)
