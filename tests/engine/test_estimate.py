"""Time estimates: from the network's cost at first, then from measurements."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from backend import LocalEngine, Settings, UpscaleOptions, create_engine
from backend.inference.estimate import (
    ASSUMED_COST,
    ENCODING_SECONDS_PER_PIXEL,
    SMALLEST_SAMPLE,
    Estimator,
)
from backend.inference.onnx_runtime import ort
from backend.models.manifest import ModelSpec

PIXELS = 1_000_000


def network(
    *, name: str = "own", scale: int = 2, multiplications: int | None = 25_000
) -> ModelSpec:
    return ModelSpec(
        name=name,
        scale=scale,
        path=Path("own.onnx"),
        receptive_radius=3,
        multiplications=multiplications,
    )


def encoding(scale: int) -> float:
    return PIXELS * ENCODING_SECONDS_PER_PIXEL * scale**2


@pytest.mark.parametrize(("cores", "seconds"), [(1, 1.0), (2, 0.5)])
def test_the_first_guess_is_the_cost_over_the_cores(cores: int, seconds: float) -> None:
    estimate = Estimator(cores=cores).seconds(network(), pixels=PIXELS)
    assert estimate == pytest.approx(seconds + encoding(2))


@pytest.mark.parametrize(
    ("wanted", "is_gpu"),
    [
        ("auto", True),
        ("CUDAExecutionProvider,CPUExecutionProvider", True),
        ("CPUExecutionProvider", False),
    ],
)
def test_a_gpu_is_not_taken_for_the_processor(
    wanted: str, is_gpu: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a GPU's first large picture would be refused for a processor's time."""
    settings = Settings(threads=1, providers=tuple(wanted.split(",")))
    options = UpscaleOptions(model="quality")
    on_processor = create_engine(settings).estimated_seconds((1000, 1000), options)
    installed = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(ort, "get_available_providers", lambda: installed)
    found = create_engine(settings).estimated_seconds((1000, 1000), options)
    assert found < on_processor / 10 if is_gpu else found == on_processor


def test_a_network_of_unknown_cost_is_taken_for_a_heavy_one() -> None:
    unknown = Estimator(cores=1).seconds(network(multiplications=None), pixels=PIXELS)
    heavy = Estimator(cores=1).seconds(network(multiplications=ASSUMED_COST), pixels=PIXELS)
    assert unknown == heavy


def test_the_first_measurement_replaces_the_guess_and_later_ones_move_it() -> None:
    estimator = Estimator(cores=1)
    estimator.learn(network(), pixels=PIXELS, seconds=4)
    assert estimator.seconds(network(), pixels=PIXELS) == pytest.approx(4 + encoding(2))
    estimator.learn(network(), pixels=PIXELS, seconds=8)
    newest = estimator.seconds(network(), pixels=PIXELS) - encoding(2)
    assert 4 < newest < 8


def test_all_scales_of_a_tier_go_by_the_speed_of_the_one_that_ran() -> None:
    estimator = Estimator(cores=1)
    estimator.learn(network(scale=2), pixels=PIXELS, seconds=100)
    larger = network(scale=4, multiplications=30_000)
    assert estimator.seconds(larger, pixels=PIXELS) == pytest.approx(120 + encoding(4))


def test_the_speed_of_each_tier_is_learned_apart() -> None:
    estimator = Estimator(cores=1)
    before = estimator.seconds(network(name="other"), pixels=PIXELS)
    estimator.learn(network(), pixels=PIXELS, seconds=100)
    assert estimator.seconds(network(name="other"), pixels=PIXELS) == before


@pytest.mark.parametrize("slow", [1, 2, 4])
def test_a_larger_scale_never_seems_quicker_after_a_slow_run_of_another(slow: int) -> None:
    registry = create_engine(Settings(threads=1)).registry
    for tier in {spec.name for spec in registry.specs}:
        scales = {spec.scale: spec for spec in registry.specs if spec.name == tier}
        estimator = Estimator(cores=1)
        for scale, spec in scales.items():
            estimator.learn(spec, pixels=PIXELS, seconds=400 if scale == slow else 40)
        found = [estimator.seconds(scales[each], pixels=PIXELS) for each in sorted(scales)]
        assert found == sorted(found), tier


def test_a_small_picture_teaches_nothing() -> None:
    estimator = Estimator(cores=1)
    before = estimator.seconds(network(), pixels=PIXELS)
    estimator.learn(network(), pixels=SMALLEST_SAMPLE - 1, seconds=100)
    assert estimator.seconds(network(), pixels=PIXELS) == before


def test_a_network_that_has_not_run_is_as_fast_as_the_fastest_that_has() -> None:
    estimator = Estimator(cores=1)
    quick, slow = (
        network(name="quick", multiplications=50_000),
        network(name="slow", multiplications=100_000),
    )
    estimator.learn(quick, pixels=PIXELS, seconds=0.5)
    assert estimator.seconds(network(), pixels=PIXELS) == pytest.approx(0.25 + encoding(2))
    estimator.learn(slow, pixels=PIXELS, seconds=100)
    assert estimator.seconds(network(), pixels=PIXELS) == pytest.approx(0.25 + encoding(2))


@pytest.mark.parametrize(("mode", "planes"), [("RGB", 1), ("RGBA", 2)])
def test_transparency_is_not_taken_for_slowness(
    mode: str, planes: int, engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs through the network too."""
    learned: list[int] = []
    monkeypatch.setattr(Estimator, "learn", lambda *_, pixels, **__: learned.append(pixels))
    file = io.BytesIO()
    Image.new(mode, (40, 30), "#00808080" if mode == "RGBA" else "teal").save(file, "PNG")
    engine.upscale(file.getvalue(), UpscaleOptions(model="fast", scale=2))
    assert learned == [planes * 40 * 30]
