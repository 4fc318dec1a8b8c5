"""Networks that clean without enlarging, made from those for x2: `python -m training.clean`.

An x1 network returns the result of its x2 network, averaged over 2 x 2. Averages of sub-pixels
are sums over the last convolutions' channels, so they are folded into the kernels: a network
without PixelShuffle remains, which costs a little less. Run it after every export of x2.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from backend.models.manifest import SHIPPED, ModelSpec, add_to_manifest, read_manifest

SCALE = 2
SHUFFLE = "DepthToSpace"
POINTWISE = ("Add", "Cast", "Clip", "Mul")
"""Operators that may stand between the last convolutions and PixelShuffle."""
KERNEL_DIMS = 4


def cleaned(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the x1 network of an x2 network that `training.export` wrote."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    shuffle = next(node for node in graph.node if node.op_type == SHUFFLE)
    constants = {each.name: each for each in graph.initializer}
    for conv in _last_convolutions(graph, shuffle.input[0]):
        for name in conv.input[1:]:
            averaged = _averaged(numpy_helper.to_array(constants[name]))
            constants[name].CopyFrom(numpy_helper.from_array(averaged, name))
    for node in graph.node:
        node.input[:] = [
            shuffle.input[0] if name == shuffle.output[0] else name for name in node.input
        ]
    graph.node.remove(shuffle)
    _, height, width, _channels = graph.output[0].type.tensor_type.shape.dim
    for side, of_input in ((height, 1), (width, 2)):
        side.CopyFrom(graph.input[0].type.tensor_type.shape.dim[of_input])
    onnx.checker.check_model(made)
    return made


def _last_convolutions(graph: onnx.GraphProto, name: str) -> Iterator[onnx.NodeProto]:
    node = next((each for each in graph.node if name in each.output), None)
    if node is None:
        return
    if node.op_type == "Conv":
        yield node
        return
    assert node.op_type in POINTWISE, f"{node.op_type} before {SHUFFLE}"
    for each in node.input:
        yield from _last_convolutions(graph, each)


def _averaged(channels: np.ndarray) -> np.ndarray:
    """Average (3 * 4, …), in the order of PixelShuffle, to (3, …)."""
    return (
        channels.reshape(3, SCALE**2, *channels.shape[1:])
        .mean(1, dtype=np.float64)
        .astype(np.float32)
    )


def write(spec: ModelSpec, *, models: Path) -> ModelSpec:
    """Write the x1 network of an x2 network beside it, and its manifest entry."""
    path, saved = _write(spec.path)
    natural = None if spec.natural_path is None else _write(spec.natural_path)[0]
    cost = spec.multiplications
    made = replace(
        spec,
        scale=1,
        path=path,
        sha256=_sha256(path),
        natural_path=natural,
        natural_sha256=None if natural is None else _sha256(natural),
        bfloat16=False,
        multiplications=None if cost is None else cost - saved,
        training={"averaged": spec.path.name},
        quality={},
    )
    add_to_manifest(models, made)
    return made


def _write(path: Path) -> tuple[Path, int]:
    """Return where the x1 network of a file is, and the multiplications per pixel that it saves."""
    model = onnx.load(path)
    made = cleaned(model)
    target = path.with_name(path.name.replace(f"_x{SCALE}", "_x1"))
    target.write_bytes(made.SerializeToString())
    return target, _kernel_values(model) - _kernel_values(made)


def _kernel_values(model: onnx.ModelProto) -> int:
    return sum(
        int(np.prod(each.dims)) for each in model.graph.initializer if len(each.dims) == KERNEL_DIMS
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="tiers; all of the folder by default")
    parser.add_argument("--models", type=Path, default=SHIPPED)
    options = parser.parse_args()
    for spec in read_manifest(options.models):
        if spec.scale == SCALE and spec.name in (options.names or [spec.name]):
            print(write(spec, models=options.models).path)


if __name__ == "__main__":
    main()
