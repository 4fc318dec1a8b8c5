"""The scale, cost and receptive radius of a network, calculated from its layers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from backend.errors import ModelError
from backend.models.ncnn import (
    Convolution,
    Layer,
    Network,
    PixelShuffle,
    Resizing,
    sources,
)

Span = tuple[int, int]
"""The first and last pixel along one axis."""


def scale(network: Network) -> int:
    """Return the scale; raise ModelError if it is not a whole number."""
    found = _sizes(network)[network.output]
    if found.denominator != 1:
        raise ModelError("The network does not enlarge by a whole number.")
    return int(found)


def multiplications(network: Network) -> int:
    """Return the multiplications of all convolutions per LR pixel."""
    sizes = _sizes(network)
    return sum(
        math.ceil(layer.weights.size * sizes[layer.output] ** 2)
        for layer in network.layers
        if isinstance(layer, Convolution)
    )


def receptive_radius(network: Network) -> int:
    """Return the distance in LR pixels beyond which no pixel can change a result."""
    reads: dict[str, Span] = {network.output: (0, scale(network) - 1)}
    for layer in reversed(network.layers):
        if layer.output in reads:
            first, last = _read_span(layer, reads[layer.output])
            for name in sources(layer):
                known = reads.get(name, (first, last))
                reads[name] = (min(first, known[0]), max(last, known[1]))
    first, last = reads[network.source]
    return max(-first, last)


def _sizes(network: Network) -> Mapping[str, Fraction]:
    """Return the side of every blob as a multiple of the input's."""
    sizes = {network.source: Fraction(1)}
    for layer in network.layers:
        found = {sizes[name] for name in sources(layer)}
        if len(found) != 1:
            raise ModelError("The network joins pictures of different sizes.")
        factor = layer.factor if isinstance(layer, Resizing | PixelShuffle) else 1
        sizes[layer.output] = found.pop() * factor
    return sizes


def _read_span(layer: Layer, written: Span) -> Span:
    """Return the part of a layer's source that decides the pixels `written`."""
    first, last = written
    if isinstance(layer, Convolution):
        pad = layer.weights.shape[-1] // 2
        return first - pad, last + pad
    if isinstance(layer, PixelShuffle) or (isinstance(layer, Resizing) and not layer.is_bicubic):
        return math.floor(first / layer.factor), math.floor(last / layer.factor)
    if isinstance(layer, Resizing):
        half = Fraction(1, 2)
        return (
            math.floor((first + half) / layer.factor - half) - 1,
            math.floor((last + half) / layer.factor - half) + 2,
        )
    return written
