"""A missing GPU provider ends the start; the server never answers `/ping` then."""

from __future__ import annotations

import pytest

from backend import Settings, create_engine
from backend.errors import ModelError
from backend.inference.health import check
from backend.inference.onnx_runtime import ort
from backend.inference.onnx_session import available_providers
from tests.cli.conftest import Run


def test_a_named_provider_that_is_missing_ends_the_start(spawn: Run) -> None:
    providers = "CUDAExecutionProvider,CPUExecutionProvider"
    done = spawn("serve", "--port", "0", SR_PROVIDERS=providers)
    assert done.returncode == 2
    expected = "SR_PROVIDERS names CUDAExecutionProvider, which cannot be used here."
    assert expected in done.stderr


@pytest.mark.parametrize("providers", [("auto",), ("CPUExecutionProvider",)], ids=str)
def test_available_providers_let_the_start_go_on(providers: tuple[str, ...]) -> None:
    health = check(create_engine(Settings(providers=providers)))
    health.check_providers()
    assert health.is_ready


def test_a_missing_provider_is_named() -> None:
    providers = ("TensorrtExecutionProvider", "CPUExecutionProvider")
    health = check(create_engine(Settings(providers=providers)))
    assert health.missing_providers == ("TensorrtExecutionProvider",)
    with pytest.raises(ModelError, match="TensorrtExecutionProvider"):
        health.check_providers()


@pytest.mark.parametrize("provider", ["CoreMLExecutionProvider", "DmlExecutionProvider"])
def test_unproven_providers_are_used_only_when_named(
    monkeypatch: pytest.MonkeyPatch, provider: str
) -> None:
    cpu = "CPUExecutionProvider"
    monkeypatch.setattr(ort, "get_available_providers", lambda: [provider, cpu])
    assert available_providers(("auto",)) == [cpu]
    assert available_providers((provider, cpu)) == [provider, cpu]
