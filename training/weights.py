"""Weights to start from: another run's averages, or an ONNX file that `training.export` wrote."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from training.networks import PlainNetwork, RepConv
from training.span import GAINS, Span, read_span

CHECKPOINT = "checkpoint.pt"
Weights = dict[str, Tensor]
"""Weights by their name in `PlainNetwork.state_dict()`; a collapsed convolution has two entries."""


def load_weights(start: Path) -> Weights:
    """Load the averaged weights of a run's folder, or those of an ONNX or ncnn file."""
    if start.suffix == ".param":
        return read_span(start)
    if start.suffix == ".onnx":
        return read_onnx(start)
    saved: Weights = torch.load(start / CHECKPOINT, map_location="cpu", weights_only=True)[
        "weights"
    ]
    return saved


def read_onnx(path: Path) -> Weights:
    """Read the collapsed kernels of a network that `training.export.to_onnx` wrote."""
    tensors = {
        tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy())
        for tensor in onnx.load(path).graph.initializer
    }
    if "mix.weight" in tensors:
        return _of_span(tensors)
    weights = {"skip": tensors["skip.weight"]}
    for name, tensor in tensors.items():
        layer, _, part = name.partition(".")
        if part == "slopes":
            weights[f"slopes.{layer.removeprefix('prelu')}"] = tensor.flatten()
        elif layer == "tail":
            weights[f"tail.{part}"] = tensor
        elif layer.startswith("conv"):
            index = int(layer.removeprefix("conv"))
            weights[f"body.{index - 1}.{part}" if index else f"head.{part}"] = tensor
    return weights


def _of_span(tensors: Weights) -> Weights:
    weights = {k: v for k, v in tensors.items() if k.endswith((".weight", ".bias"))}
    gains = torch.tensor(GAINS).view(1, 4, 1, 1)
    return weights | {"head.weight": weights["head.weight"] / gains}


def copy_all(weights: Weights, network: PlainNetwork | Span) -> None:
    """Copy all weights; raise ValueError if one has no place in the network."""
    own = network.state_dict()
    strays = [k for k, v in weights.items() if k not in own or v.shape != own[k].shape]
    if strays:
        raise ValueError(f"these weights are of a network of another shape: {', '.join(strays)}")
    copy_matching(weights, network)


@torch.no_grad()
def copy_matching(weights: Weights, network: PlainNetwork | Span) -> None:
    """Take over the weights wherever name and shape are the same.

    A x4 network learns faster from the x2 network's body than from noise. Convolutions of the body
    that the other network does not have begin as the identity, which ReLU keeps exact, and PReLU of
    slope 1 too, so a deeper network begins with the answers of the shallower one.
    """
    own = network.state_dict()
    matching = {k: v for k, v in weights.items() if k in own and v.shape == own[k].shape}
    network.load_state_dict(own | matching)
    for name, conv in network.named_modules():
        if not isinstance(conv, RepConv):
            continue
        if f"{name}.weight" not in matching and name.startswith("body."):
            conv.become_identity()
        elif f"{name}.squeeze" not in matching and f"{name}.weight" in matching:
            conv.silence_branches()
    slopes_of_layers = network.slopes if isinstance(network, PlainNetwork) else ()
    for i, slopes in enumerate(slopes_of_layers):
        if f"slopes.{i}" not in matching:
            is_new = i > 0 and f"body.{i - 1}.weight" not in matching
            slopes.fill_(1.0 if is_new else 0.0)
