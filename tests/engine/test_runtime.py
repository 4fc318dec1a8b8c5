"""The runtime of ONNX networks, chosen by the settings and the machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend import Settings, create_engine
from backend.errors import ModelError
from backend.factory import takes_openvino
from backend.inference import openvino_runtime


@pytest.mark.parametrize("is_installed", [True, False])
@pytest.mark.parametrize("has_units", [True, False])
def test_automatic_choice_takes_openvino_where_it_gains(
    monkeypatch: pytest.MonkeyPatch, is_installed: bool, has_units: bool
) -> None:
    monkeypatch.setattr(openvino_runtime, "is_installed", lambda: is_installed)
    monkeypatch.setattr(openvino_runtime, "has_matrix_units", lambda: has_units)
    assert takes_openvino(Settings()) == (is_installed and has_units)
    named = replace(Settings(), providers=("CPUExecutionProvider",))
    assert not takes_openvino(named)
    assert not takes_openvino(replace(Settings(), runtime="onnxruntime"))
    assert takes_openvino(replace(Settings(), runtime="openvino"))


def test_without_the_package_it_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_runtime, "is_installed", lambda: False)
    openvino_runtime.core.cache_clear()
    engine = create_engine(replace(Settings(), runtime="openvino"))
    with pytest.raises(ModelError, match="the package 'openvino' is not installed"):
        engine.session(model="fast", scale=2)
