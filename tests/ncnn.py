"""Small networks in ncnn's format: layers in a `.param` file, numbers in a `.bin`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from backend.models.ncnn import FLOAT16_TAG

Array = npt.NDArray[np.floating]
Weights = Iterator[Array]
"""Numbers in the order of the layers: kernel and bias, or slopes."""


@dataclass
class Writer:
    """A writer whose methods return the name of the layer's output."""

    tag: int = FLOAT16_TAG
    rows: list[str] = field(default_factory=list)
    data: bytes = b""

    def layer(self, kind: str, sources: list[str], *parameters: str, outputs: int = 1) -> str:
        name = f"{kind}_{len(self.rows)}"
        written = [name] if outputs == 1 else [f"{name}_{i}" for i in range(outputs)]
        words = [kind, name, str(len(sources)), str(outputs), *sources, *written, *parameters]
        self.rows.append(" ".join(words))
        return name

    def convolution(self, source: str, weights: Weights, *, slope: float | None = None) -> str:
        kernel, bias = next(weights), next(weights)
        raw = kernel.astype(np.float16 if self.tag == FLOAT16_TAG else np.float32).tobytes()
        self.data += np.uint32(self.tag).tobytes() + raw + bytes(-len(raw) % 4)
        self.data += bias.astype(np.float32).tobytes()
        active = [] if slope is None else ["9=2", f"-23310=1,{slope:e}"]
        shape = [f"0={len(kernel)}", "1=3", "4=1", "5=1", f"6={kernel.size}"]
        return self.layer("Convolution", [source], *shape, *active)

    def prelu(self, source: str, weights: Weights) -> str:
        slopes = next(weights)
        self.data += slopes.astype(np.float32).tobytes()
        return self.layer("PReLU", [source], f"0={len(slopes)}")

    def resized(self, source: str, *, factor: float, kind: int = 1) -> str:
        return self.layer("Interp", [source], f"0={kind}", f"1={factor:e}", f"2={factor:e}")

    @property
    def param(self) -> str:
        return "\n".join(["7767517", f"{len(self.rows)} 0", *self.rows]) + "\n"

    def save(self, stem: Path) -> Path:
        """Write both files and return the path of the `.param` file."""
        stem.with_suffix(".param").write_text(self.param)
        stem.with_suffix(".bin").write_bytes(self.data)
        return stem.with_suffix(".param")


def compact(
    weights: Weights, *, num_conv: int, scale: int, tag: int = FLOAT16_TAG, is_halved: bool = False
) -> Writer:
    """Write SRVGGNetCompact: convolutions and PReLU, added to the enlarged picture."""
    writer = Writer(tag=tag)
    picture = writer.layer("Input", [])
    copies = writer.layer("Split", [picture], outputs=2)
    features = f"{copies}_1"
    for _ in range(num_conv + 1):
        features = writer.prelu(writer.convolution(features, weights), weights)
    detail = writer.layer("PixelShuffle", [writer.convolution(features, weights)], f"0={scale}")
    base = writer.resized(f"{copies}_0", factor=scale)
    result = writer.layer("BinaryOp", [detail, base], "0=0")
    if is_halved:
        writer.resized(result, factor=0.5, kind=3)
    return writer


def residual_dense(weights: Weights, *, num_block: int, tag: int = FLOAT16_TAG) -> Writer:
    """Write RRDBNet, x4."""
    writer = Writer(tag=tag)
    first = writer.convolution(writer.layer("Input", []), weights)

    def added(residue: str, features: str) -> str:
        factors = "-23301=2,2.000000e-01,1.000000e+00"
        return writer.layer("Eltwise", [residue, features], "0=1", factors)

    def dense(features: str) -> str:
        seen = [features]
        for _ in range(4):
            joined = seen[0] if len(seen) == 1 else writer.layer("Concat", seen)
            seen.append(writer.convolution(joined, weights, slope=0.2))
        return added(writer.convolution(writer.layer("Concat", seen), weights), features)

    body = first
    for _ in range(num_block):
        body = added(dense(dense(dense(body))), body)
    features = writer.layer("BinaryOp", [first, writer.convolution(body, weights)], "0=0")
    for _ in range(2):
        features = writer.convolution(writer.resized(features, factor=2), weights, slope=0.2)
    writer.convolution(writer.convolution(features, weights, slope=0.2), weights)
    return writer


def random_weights(*shapes: tuple[int, ...], seed: int = 1) -> Weights:
    """Return small numbers that half precision holds exactly."""
    generator = np.random.default_rng(seed)
    for shape in shapes:
        spread = 0.5 / math.sqrt(math.prod(shape[1:]))
        yield generator.normal(0, spread, shape).astype(np.float16).astype(np.float32)


def compact_shapes(*, num_feat: int, num_conv: int, scale: int) -> list[tuple[int, ...]]:
    """Return the shapes of the arrays for `compact`."""
    channels = [3, *[num_feat] * (num_conv + 1)]
    shapes: list[tuple[int, ...]] = []
    for inputs in channels[:-1]:
        shapes += [(num_feat, inputs, 3, 3), (num_feat,), (num_feat,)]
    return [*shapes, (3 * scale**2, num_feat, 3, 3), (3 * scale**2,)]


def residual_dense_shapes(
    *, num_block: int, num_feat: int = 4, growth: int = 2
) -> list[tuple[int, ...]]:
    """Return the shapes of the arrays for `residual_dense`."""
    inside = [(growth, num_feat + i * growth) for i in range(4)]
    inside.append((num_feat, num_feat + 4 * growth))
    ends = [(num_feat, num_feat)] * 4
    channels = [(num_feat, 3), *inside * (3 * num_block), *ends, (3, num_feat)]
    return [shape for out, inputs in channels for shape in ((out, inputs, 3, 3), (out,))]
