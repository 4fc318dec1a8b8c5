"""The findings at the start: the networks, their runtimes, and problems."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend import LocalEngine, Settings
from backend.errors import ModelError
from backend.images.picture import RgbImage, decode
from backend.inference.health import check
from backend.models.manifest import ModelSpec
from backend.models.registry import Registry


class Box:
    """A session that needs no file."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    def run(self, lr: RgbImage, *, cleanup_level: float) -> RgbImage:
        return np.repeat(np.repeat(lr, self.spec.scale, 0), self.spec.scale, 1)


def spec(name: str, scale: int = 2) -> ModelSpec:
    return ModelSpec(name=name, scale=scale, path=Path(f"{name}.onnx"), receptive_radius=0)


def make_engine(*specs: ModelSpec, broken: str = "") -> LocalEngine:
    def open_session(spec: ModelSpec) -> Box:
        if spec.name == broken:
            raise spec.error("cannot be loaded")
        return Box(spec)

    return LocalEngine(
        registry=Registry(specs), open_session=open_session, decode=decode, settings=Settings()
    )


def test_the_health_of_a_whole_engine_is_good() -> None:
    health = check(make_engine(spec("fast"), spec("fast", 4), spec("own")))
    assert health.is_ready
    assert health.models == (("fast", 2), ("fast", 4), ("own", 2))
    assert not health.warnings


def test_another_network_than_the_default_only_warns() -> None:
    health = check(make_engine(spec("fast"), spec("own"), broken="own"))
    assert health.is_ready
    assert health.warnings == ("The network 'own' x2 cannot be loaded.",)


def test_without_the_default_network_it_is_not_ready() -> None:
    assert not check(make_engine(spec("fast"), broken="fast")).is_ready


def test_a_default_that_is_not_there_is_told() -> None:
    health = check(make_engine(spec("own")))
    assert not health.is_ready
    assert "no model named 'fast'" in health.warnings[0]


@pytest.mark.parametrize(
    ("providers", "missing"),
    [
        ("CPUExecutionProvider", ()),
        ("CUDAExecutionProvider,CPUExecutionProvider", ("CUDAExecutionProvider",)),
    ],
)
def test_a_missing_provider_is_told(
    engine: LocalEngine, providers: str, missing: tuple[str, ...]
) -> None:
    settings = Settings.from_environment({"SR_PROVIDERS": providers})
    health = check(
        LocalEngine(
            registry=engine.registry,
            open_session=lambda spec: engine.session(model=spec.name, scale=spec.scale),
            decode=decode,
            settings=settings,
        )
    )
    assert health.providers == ("CPUExecutionProvider",)
    assert health.missing_providers == missing
    if missing:
        with pytest.raises(ModelError, match=missing[0]):
            health.check_providers()
    else:
        health.check_providers()
