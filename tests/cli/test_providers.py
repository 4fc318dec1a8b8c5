"""A missing GPU provider ends the start; the server never answers `/ping` then."""

from __future__ import annotations

import pytest

from backend import Settings, create_engine
from backend.errors import ModelError
from backend.inference.health import check
from tests.cli.conftest import Run


def test_a_named_provider_that_is_missing_ends_the_start(spawn: Run) -> None:
    providers = "CUDAExecutionProvider,CPUExecutionProvider"
    done = spawn("serve", "--port", "0", SR_PROVIDERS=providers)
    assert done.returncode == 2
    expected = "SR_PROVIDERS names CUDAExecutionProvider, which cannot be used here."
    assert expected in done.stderr


@pytest.mark.parametrize("providers", [("auto",), ("CPUExecutionProvider",)], ids=str)
def test_providers_that_are_there_or_left_open_do_not(providers: tuple[str, ...]) -> None:
    health = check(create_engine(Settings(providers=providers)))
    health.check_providers()
    assert health.is_ready


def test_what_is_missing_is_named() -> None:
    providers = ("TensorrtExecutionProvider", "CPUExecutionProvider")
    health = check(create_engine(Settings(providers=providers)))
    assert health.missing_providers == ("TensorrtExecutionProvider",)
    with pytest.raises(ModelError, match="TensorrtExecutionProvider"):
        health.check_providers()
