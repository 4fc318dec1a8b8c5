"""Weights of two networks of one shape are blended inside the bytes of the first."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from backend.models.manifest import SHIPPED
from backend.models.onnx_weights import blend, float_tensors
from tests.networks import blurring

FIRST = (SHIPPED / "fast_x2.onnx").read_bytes()


def changed(data: bytes, *, by: float) -> bytes:
    """Return the same network with every float weight a little larger."""
    model = onnx.load_model_from_string(data)
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32:
            tensor.CopyFrom(numpy_helper.from_array(array + np.float32(by), tensor.name))
    return model.SerializeToString()


def weights(data: bytes) -> dict[str, np.ndarray]:
    model = onnx.load_model_from_string(data)
    arrays = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    return {name: array for name, array in arrays.items() if array.dtype == np.float32}


def test_every_float_tensor_is_found_where_it_lies() -> None:
    found = float_tensors(FIRST)
    expected = weights(FIRST)
    assert set(found) == set(expected)
    for name, (start, end) in found.items():
        np.testing.assert_array_equal(
            np.frombuffer(FIRST[start:end], "<f4"), expected[name].ravel()
        )


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_blend_lies_between(share: float) -> None:
    blended = weights(blend(FIRST, changed(FIRST, by=0.5), share=share))
    for name, array in weights(FIRST).items():
        np.testing.assert_allclose(blended[name], array + share * 0.5, atol=1e-6)


def test_nothing_but_the_weights_changes() -> None:
    blended = onnx.load_model_from_string(blend(FIRST, changed(FIRST, by=0.5), share=0.5))
    first = onnx.load_model_from_string(FIRST)
    for model in (blended, first):
        del model.graph.initializer[:]
    assert blended == first


def test_networks_of_different_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="more than their weights"):
        blend(FIRST, blurring().SerializeToString(), share=0.5)


@pytest.mark.parametrize("cut", [1, 7, 200, 5000, len(FIRST) - 1])
def test_a_file_that_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(ValueError, match=r"ends beyond|does not end"):
        float_tensors(FIRST[:cut])


def test_random_bytes_are_never_more_than_an_error() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        data = bytearray(FIRST[:3000])
        for at in rng.integers(0, len(data), 4):
            data[at] = rng.integers(0, 256)
        try:
            float_tensors(bytes(data))
        except ValueError:
            continue
