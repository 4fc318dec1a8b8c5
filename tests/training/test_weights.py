"""Weights survive a round trip through ONNX, and deeper networks begin as shallower ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from cfn.neuron.compile import to_module
from training.data import as_input, as_target
from training.export import to_onnx
from training.loop import Ema
from training.networks import NetworkShape, PlainNetwork, halved
from training.span import Span, SpanShape
from training.weights import copy_all, copy_matching, load_weights

SHAPE = NetworkShape(scale=2, num_feat=8, num_conv=2)


def disturbed(network: PlainNetwork | Span) -> PlainNetwork | Span:
    """Make a network with weights in every branch."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    return network.eval()


@pytest.fixture(params=[False, True], ids=["relu", "prelu"])
def network(request: pytest.FixtureRequest) -> PlainNetwork:
    torch.manual_seed(3)
    return disturbed(PlainNetwork(replace(SHAPE, is_prelu=request.param)))


@pytest.fixture(params=["relu", "prelu", "span"])
def any_network(request: pytest.FixtureRequest) -> PlainNetwork | Span:
    torch.manual_seed(4)
    if request.param == "span":
        network = SpanShape(scale=2, num_feat=8, num_block=2).build()
        torch.nn.init.normal_(network.head.weight, std=1e-3)  # of grey levels, not of shares of 1
        torch.nn.init.constant_(network.tail.bias, 0.5)
        return disturbed(network)
    return disturbed(PlainNetwork(replace(SHAPE, is_prelu=request.param == "prelu")))


@pytest.fixture
def lr() -> torch.Tensor:
    return torch.randint(0, 256, (1, 32, 36, 3), dtype=torch.uint8)


def save(network: PlainNetwork | Span, folder: Path) -> Path:
    path = folder / "network.onnx"
    path.write_bytes(to_onnx(network).SerializeToString())
    return path


def answer(network: PlainNetwork | Span, lr: torch.Tensor, level: float = 0.3) -> torch.Tensor:
    with torch.inference_mode():
        return network(as_input(lr, torch.tensor([level])))


def as_bytes(sr: torch.Tensor) -> np.ndarray:
    levels = (sr.clamp(0, 1) * 255 + 0.5).clamp(0, 255).to(torch.uint8)
    return levels[0].permute(1, 2, 0).numpy()


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_onnx_and_torchscript_answer_as_the_network_does(
    any_network: PlainNetwork | Span, lr: torch.Tensor, tmp_path: Path
) -> None:
    path = save(any_network, tmp_path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    cleanup = np.full((1, 1, 1, 1), 0.3, np.float32)
    radius, scale = any_network.shape.receptive_radius, SHAPE.scale
    inner = (slice(radius * scale, -radius * scale),) * 2
    (sr,) = session.run(None, {"lr": lr.numpy(), "cleanup": cleanup})
    direct = answer(any_network, lr)
    # Sums in another order may round to the neighbouring level.
    difference = sr[0].astype(int) - as_bytes(direct)[inner]
    assert np.abs(difference).max() <= 1
    assert (difference != 0).mean() < 0.01
    inputs = as_target(lr), torch.from_numpy(cleanup)
    script = torch.jit.trace(to_module(path.read_bytes(), scale=SHAPE.scale), inputs)
    torch.testing.assert_close(script(*inputs), direct.clamp(0, 1))


def test_weights_come_back_from_an_onnx_file(
    any_network: PlainNetwork | Span, lr: torch.Tensor, tmp_path: Path
) -> None:
    other = any_network.shape.build()
    copy_matching(load_weights(save(any_network, tmp_path)), other)
    torch.testing.assert_close(answer(other, lr), answer(any_network, lr))


def test_a_deeper_network_begins_with_the_answers_of_the_shallower(
    network: PlainNetwork, lr: torch.Tensor, tmp_path: Path
) -> None:
    deeper = PlainNetwork(replace(network.shape, num_conv=5))
    copy_matching(load_weights(save(network, tmp_path)), deeper)
    torch.testing.assert_close(answer(deeper, lr), answer(network, lr))


def test_weights_of_another_shape_are_refused_where_all_are_wanted(
    network: PlainNetwork, lr: torch.Tensor, tmp_path: Path
) -> None:
    weights = load_weights(save(network, tmp_path))
    same = PlainNetwork(network.shape)
    copy_all(weights, same)
    torch.testing.assert_close(answer(same, lr), answer(network, lr))
    for other in (replace(network.shape, num_feat=16), replace(network.shape, num_conv=1)):
        with pytest.raises(ValueError, match="another shape"):
            copy_all(weights, PlainNetwork(other))


def test_a_deeper_network_without_the_identity_answers_otherwise(
    network: PlainNetwork, lr: torch.Tensor
) -> None:
    deeper = PlainNetwork(replace(network.shape, num_conv=5))
    deeper.load_state_dict(deeper.state_dict() | network.state_dict())
    assert (answer(deeper, lr) - answer(network, lr)).abs().max() > 0.01


@pytest.mark.parametrize("is_prelu", [False, True])
def test_a_halved_network_answers_what_is_left_of_the_whole(
    lr: torch.Tensor, is_prelu: bool
) -> None:
    torch.manual_seed(5)
    network = PlainNetwork(replace(SHAPE, scale=4, is_prelu=is_prelu)).eval()
    for slopes in network.slopes:
        torch.nn.init.normal_(slopes)
    reduced = torch.nn.functional.avg_pool2d(answer(network, lr), 2)
    torch.testing.assert_close(answer(halved(network), lr), reduced)


def test_added_layers_get_gradients(
    network: PlainNetwork, lr: torch.Tensor, tmp_path: Path
) -> None:
    deeper = PlainNetwork(replace(network.shape, num_conv=4))
    copy_matching(load_weights(save(network, tmp_path)), deeper)
    deeper(as_input(lr, torch.tensor([0.0]))).square().mean().backward()
    added = deeper.body[3]
    for parameter in (added.weight, added.squeeze, added.edge_scale):
        assert parameter.grad is not None
        assert parameter.grad.abs().max() > 0


def test_the_average_of_one_step_is_that_step(network: PlainNetwork) -> None:
    ema = Ema(network, decay=0.999)
    ema.update(network)
    for name, value in network.state_dict().items():
        torch.testing.assert_close(ema.weights()[name], value)
