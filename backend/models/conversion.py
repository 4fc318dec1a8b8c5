"""A network of ncnn's as an ONNX file, layer for layer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np

from backend.models.ncnn import (
    Concatenation,
    Convolution,
    Layer,
    Network,
    PixelShuffle,
    PRelu,
    Resizing,
    WeightedSum,
)
from backend.models.onnx_graph import GraphWriter

PRODUCER = "super-resolution"
NCNN_CUBIC = -0.75
"""The free parameter of ncnn's bicubic interpolation."""


def onnx_bytes(network: Network, *, metadata: Mapping[str, str]) -> bytes:
    """(1, H, W, 3) uint8 `lr` -> (1, sH, sW, 3) uint8 `sr`; `metadata` travels in the file."""
    graph = GraphWriter()
    outputs = {network.source: graph.read_picture()}
    for layer in network.layers:
        outputs[layer.output] = _write(layer, graph, outputs)
    levels = graph.levels(outputs[network.output])
    data: bytes = graph.model(levels, producer=PRODUCER, metadata=metadata).SerializeToString()
    return data


def _write(layer: Layer, graph: GraphWriter, outputs: Mapping[str, str]) -> str:
    name = f"ncnn.{layer.output}"
    match layer:
        case Convolution():
            return _write_convolution(layer, graph, outputs[layer.source], name)
        case PRelu():
            return graph.prelu(outputs[layer.source], name, slopes=layer.slopes)
        case Concatenation():
            return graph.node("Concat", [outputs[each] for each in layer.sources], name, axis=1)
        case WeightedSum():
            return _write_sum(layer, graph, [outputs[each] for each in layer.sources], name)
        case Resizing():
            return _write_resizing(layer, graph, outputs[layer.source], name)
        case PixelShuffle():
            source = outputs[layer.source]
            return graph.node("DepthToSpace", [source], name, blocksize=layer.factor, mode="CRD")


def _write_convolution(layer: Convolution, graph: GraphWriter, source: str, name: str) -> str:
    features = graph.convolution(source, name, kernel=layer.weights, bias=layer.bias)
    if layer.slope == 1:
        return features
    return graph.node("LeakyRelu", [features], f"{name}.active", alpha=layer.slope)


def _write_sum(layer: WeightedSum, graph: GraphWriter, inputs: list[str], name: str) -> str:
    terms = []
    for i, (source, factor) in enumerate(zip(inputs, layer.factors, strict=True)):
        if factor == 1:
            terms.append(source)
        else:
            weight = graph.constant(f"{name}.factor{i}", np.float32(factor))
            terms.append(graph.node("Mul", [source, weight], f"{name}.term{i}"))
    steps = iter(range(len(terms)))
    return reduce(lambda a, b: graph.node("Add", [a, b], f"{name}.sum{next(steps)}"), terms)


def _write_resizing(layer: Resizing, graph: GraphWriter, source: str, name: str) -> str:
    factor = float(layer.factor)
    scales = graph.constant(f"{name}.scales", np.array([1, 1, factor, factor], np.float32))
    attributes: dict[str, object] = (
        {
            "mode": "cubic",
            "cubic_coeff_a": NCNN_CUBIC,
            "coordinate_transformation_mode": "half_pixel",
        }
        if layer.is_bicubic
        else {
            "mode": "nearest",
            "nearest_mode": "floor",
            "coordinate_transformation_mode": "asymmetric",
        }
    )
    return graph.node("Resize", [source, "", scales], name, **attributes)
