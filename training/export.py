"""A checkpoint as ONNX file and manifest entry: `python -m training.export RUN --name fast`."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnx
import torch

from backend.networks.onnx_graph import GraphWriter
from backend.registry import SHIPPED, ModelSpec, add_to_manifest
from training.networks import NetworkShape, PlainNetwork

LICENSE = "Apache-2.0"


@torch.no_grad()
def to_onnx(network: PlainNetwork) -> onnx.ModelProto:
    """(1, H, W, 3) uint8 `lr` and (1, 1, 1, 1) float32 `cleanup` -> (1, sH, sW, 3) uint8 `sr`."""
    scale = network.shape.scale
    graph = GraphWriter()
    lr = graph.read_picture()

    bounds = [graph.constant("two", np.array([2])), graph.constant("four", np.array([4]))]
    sides = graph.node("Slice", [graph.node("Shape", [lr], "shape"), *bounds], "sides")
    ones = graph.constant("ones", np.array([1, 1]))
    plane_shape = graph.node("Concat", [ones, sides], "plane.shape", axis=0)
    plane = graph.node("Expand", ["cleanup", plane_shape], "plane")

    features = graph.node("Concat", [lr, plane], "features", axis=1)
    for i, conv in enumerate([network.head, *network.body]):
        features = _convolution(graph, features, f"conv{i}", conv.kernel(), conv.bias)
        features = graph.node("Relu", [features], f"relu{i}")
    tail = _convolution(graph, features, "tail", network.tail.kernel(), network.tail.bias)
    skip = _convolution(graph, lr, "skip", network.skip, None)

    levels = graph.levels(graph.node("Add", [tail, skip], "sum"))
    planes = graph.node("DepthToSpace", [levels], "planar", blocksize=scale, mode="CRD")
    return graph.model(planes, producer="training.export", inputs={"cleanup": [1, 1, 1, 1]})


def _convolution(
    graph: GraphWriter, features: str, name: str, kernel: torch.Tensor, bias: torch.Tensor | None
) -> str:
    return graph.convolution(
        features, name, kernel=kernel.numpy(), bias=None if bias is None else bias.numpy()
    )


def load_network(checkpoint: Path) -> tuple[PlainNetwork, dict[str, object]]:
    """The averaged weights of a run, and the run's settings and length."""
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    shape = NetworkShape(**saved["recipe"]["shape"])
    network = PlainNetwork(shape)
    network.load_state_dict(saved["weights"])
    run = {**saved["recipe"], "steps": saved["step"], "seconds": round(saved["elapsed"])}
    return network.eval(), run


def write(run: Path, *, name: str, description: str, models: Path = SHIPPED) -> Path:
    """Write `{name}_x{scale}.onnx` and replace its manifest entry; measured quality is kept out."""
    network, training = load_network(run / "checkpoint.pt")
    shape = network.shape
    path = models / f"{name}_x{shape.scale}.onnx"
    data = to_onnx(network).SerializeToString()
    path.write_bytes(data)
    spec = ModelSpec(
        name=name,
        scale=shape.scale,
        path=path,
        description=description,
        receptive_radius=shape.receptive_radius,
        multiplications=shape.multiplications,
        sha256=hashlib.sha256(data).hexdigest(),
        license=LICENSE,
        training=training,
    )
    add_to_manifest(models, spec)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a training run")
    parser.add_argument("--name", required=True, help="tier: fast, quality, …")
    parser.add_argument("--description", default="", help="one sentence for the manifest")
    parser.add_argument("--models", type=Path, default=SHIPPED)
    options = parser.parse_args()
    path = write(
        options.run, name=options.name, description=options.description, models=options.models
    )
    print(path)


if __name__ == "__main__":
    main()
