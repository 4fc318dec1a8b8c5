"""A checkpoint as ONNX file and manifest entry: `python -m training.export RUN --name fast`."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from backend.models.manifest import SHIPPED, ModelSpec, add_to_manifest
from backend.models.onnx_graph import GraphWriter
from training.networks import SKIP_SIZE, NetworkShape, PlainNetwork, halved
from training.span import CONVOLUTIONS, Span, SpanShape
from training.weights import CHECKPOINT, copy_all, load_weights

LICENSE = "Apache-2.0"


@torch.no_grad()
def to_onnx(network: PlainNetwork | Span) -> onnx.ModelProto:
    """(1, H, W, 3) uint8 `lr`, (1, 1, 1, 1) float32 `cleanup` -> (1, s(H-2r), s(W-2r), 3) `sr`.

    Nothing is padded, so that no layer computes what the tiles do not keep; r is the receptive
    radius. What skips layers loses at each side what they would.
    """
    graph = GraphWriter()
    lr = graph.read_picture()

    bounds = [graph.constant("two", np.array([2])), graph.constant("four", np.array([4]))]
    sides = graph.node("Slice", [graph.node("Shape", [lr], "shape"), *bounds], "sides")
    ones = graph.constant("ones", np.array([1, 1]))
    plane_shape = graph.node("Concat", [ones, sides], "plane.shape", axis=0)
    plane = graph.node("Expand", ["cleanup", plane_shape], "plane")

    features = graph.node("Concat", [lr, plane], "features", axis=1)
    if isinstance(network, Span):
        answer = _span(graph, features, network)
    else:
        near = graph.inner(lr, network.shape.receptive_radius - SKIP_SIZE // 2)
        skip = _convolution(graph, near, "skip", network.skip, None)
        answer = graph.node("Add", [_plain(graph, features, network), skip], "sum")
    levels = graph.levels(answer)
    scale = network.shape.scale
    if scale > 1:
        levels = graph.node("DepthToSpace", [levels], "planar", blocksize=scale, mode="CRD")
    return graph.model(levels, producer="training.export", inputs={"cleanup": [1, 1, 1, 1]})


def _plain(graph: GraphWriter, features: str, network: PlainNetwork) -> str:
    for i, conv in enumerate(network.hidden):
        features = _convolution(graph, features, f"conv{i}", conv.kernel(), conv.bias)
        if network.shape.is_prelu:
            features = graph.prelu(features, f"prelu{i}", slopes=network.slopes[i].numpy())
        else:
            features = graph.node("Relu", [features], f"relu{i}")
    return _convolution(graph, features, "tail", network.tail.kernel(), network.tail.bias)


def _span(graph: GraphWriter, features: str, network: Span) -> str:
    """Write SPAN, with the state dict's names; the first convolution has the input's gains."""

    def convolve(features: str, name: str) -> str:
        conv = network.get_submodule(name)
        assert isinstance(conv, nn.Conv2d)
        return _convolution(graph, features, name, conv.weight, conv.bias)

    def silu(features: str) -> str:
        gate = graph.node("Sigmoid", [features], f"{features}.gate")
        return graph.node("Mul", [features, gate], f"{features}.silu")

    mean = graph.constant("mean", network.mean.numpy())
    centred = graph.node("Sub", [features, mean], "centred")
    first = _convolution(
        graph, centred, "head", network.head.weight * network.gains, network.head.bias
    )
    features = first
    for i in range(network.shape.num_block):
        name = f"blocks.{i}"
        early = silu(convolve(features, f"{name}.convs.0"))
        answer = convolve(silu(convolve(early, f"{name}.convs.1")), f"{name}.convs.2")
        attention = _less_half(graph, graph.node("Sigmoid", [answer], f"{name}.sigmoid"), network)
        total = graph.node("Add", [answer, graph.inner(features, CONVOLUTIONS)], f"{name}.total")
        features = graph.node("Mul", [total, attention], name)
    lost = network.shape.receptive_radius - 1  # at each side, before `tail`
    mixed = [
        graph.inner(first, lost - 1),
        graph.inner("blocks.0", lost - 1 - CONVOLUTIONS),
        graph.inner(early, CONVOLUTIONS),  # two more of its block's, and `after`
    ]
    mixture = convolve(graph.node("Concat", mixed, "mixed", axis=1), "mix")
    return convolve(graph.node("Add", [mixture, convolve(features, "after")], "total"), "tail")


def _less_half(graph: GraphWriter, features: str, network: Span) -> str:
    """Subtract 1/2 by a convolution of one value a channel, as `GraphWriter.prelu` multiplies."""
    feat = network.shape.num_feat
    kernel = graph.constant(f"{features}.one", np.ones((feat, 1, 1, 1), np.float32))
    bias = graph.constant(f"{features}.half", np.full(feat, -0.5, np.float32))
    inputs = [features, kernel, bias]
    return graph.node("Conv", inputs, f"{features}.less", kernel_shape=[1, 1], group=feat)


def _convolution(
    graph: GraphWriter, features: str, name: str, kernel: torch.Tensor, bias: torch.Tensor | None
) -> str:
    return graph.convolution(
        features,
        name,
        kernel=kernel.numpy(),
        bias=None if bias is None else bias.numpy(),
        is_padded=False,
    )


def load_network(checkpoint: Path) -> tuple[PlainNetwork | Span, dict[str, object]]:
    """Load the averaged weights of a run, and its settings and length."""
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    settings = saved["recipe"]["shape"]
    is_span = "num_block" in settings
    shape = SpanShape(**settings) if is_span else NetworkShape(**settings)
    network = shape.build()
    network.load_state_dict(saved["weights"])
    run = {**saved["recipe"], "steps": saved["step"], "seconds": round(saved["elapsed"])}
    return network.eval(), run


def mean_of(
    model: onnx.ModelProto, others: Sequence[tuple[onnx.ModelProto, float]]
) -> onnx.ModelProto:
    """Return the weighted mean of models, whose kernels have the same names and shapes.

    Each of `others` comes with its share of the mean; `model` has what is left of 1.
    """
    mean = onnx.ModelProto()
    mean.CopyFrom(model)
    arrays = [
        ({each.name: numpy_helper.to_array(each) for each in other.graph.initializer}, share)
        for other, share in others
    ]
    for tensor in mean.graph.initializer:
        own = numpy_helper.to_array(tensor)
        if own.dtype == np.float32:
            between = own + sum(
                np.float32(share) * (other[tensor.name] - own) for other, share in arrays
            )
            tensor.CopyFrom(numpy_helper.from_array(between, tensor.name))
    return mean


def write(
    run: Path,
    *,
    name: str,
    description: str,
    natural: Path | None = None,
    detail: int | None = None,
    mean_with: Sequence[tuple[Path, float]] = (),
    is_halved: bool = False,
    license: str = LICENSE,
    credit: str = "",
    models: Path = SHIPPED,
) -> Path:
    """Write `{name}_x{scale}.onnx` and replace its manifest entry; measured quality is kept out.

    `natural` is the run, or the ONNX file, whose weights `detail` blends in; `mean_with` has the
    weights of others and their shares of the mean (see `mean_of`); `is_halved` writes the network
    of half the scale (see `networks.halved`).
    """
    network, training = load_network(run / CHECKPOINT)
    vivid = _model(network, mean_with=mean_with, is_halved=is_halved)
    shape = replace(network.shape, scale=network.shape.scale // 2) if is_halved else network.shape
    models.mkdir(parents=True, exist_ok=True)
    path = models / f"{name}_x{shape.scale}.onnx"
    path.write_bytes(vivid.SerializeToString())
    natural_path = None
    if natural is not None:
        natural_path = path.with_stem(path.stem + "_natural")
        model = _model(_with_weights(network, natural), is_halved=is_halved)
        natural_path.write_bytes(model.SerializeToString())
    spec = ModelSpec(
        name=name,
        scale=shape.scale,
        path=path,
        description=description,
        receptive_radius=shape.receptive_radius,
        unpadded=True,
        multiplications=shape.multiplications,
        sha256=_sha256(path),
        license=license,
        credit=credit,
        natural_path=natural_path,
        natural_sha256=_sha256(natural_path) if natural_path else None,
        detail=detail,
        training=training,
    )
    add_to_manifest(models, spec)
    return path


def _model(
    network: PlainNetwork | Span,
    *,
    mean_with: Sequence[tuple[Path, float]] = (),
    is_halved: bool,
) -> onnx.ModelProto:
    """Write a network, or that of half its scale, or its mean with the weights of others."""
    if is_halved:
        if mean_with:
            raise ValueError("a network is halved, or the mean of several")
        return to_onnx(halved(network))
    others = [(to_onnx(_with_weights(network, path)), share) for path, share in mean_with]
    return mean_of(to_onnx(network), others)


def _with_weights(network: PlainNetwork | Span, weights: Path) -> PlainNetwork | Span:
    """Make a network of the same shape with the weights of a run or of a file."""
    other = network.shape.build().eval()
    copy_all(load_weights(weights), other)
    return other


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a training run")
    parser.add_argument("--name", required=True, help="tier: fast, quality, …")
    parser.add_argument("--description", default="", help="one sentence for the manifest")
    parser.add_argument("--natural", type=Path, help="detail 0: a run's folder or an ONNX file")
    parser.add_argument("--detail", type=int, help="the default, 0 natural to 100 vivid")
    parser.add_argument(
        "--mean-with",
        nargs=2,
        action="append",
        default=[],
        metavar=("WEIGHTS", "SHARE"),
        help="the mean with a run's or a file's weights, which have this share of it",
    )
    parser.add_argument("--halved", action="store_true", help="the network of half the scale")
    parser.add_argument("--license", default=LICENSE)
    parser.add_argument("--credit", default="", help="whose work it goes on from")
    parser.add_argument("--models", type=Path, default=SHIPPED)
    options = parser.parse_args()
    path = write(
        options.run,
        name=options.name,
        description=options.description,
        natural=options.natural,
        detail=options.detail,
        mean_with=[(Path(weights), float(share)) for weights, share in options.mean_with],
        is_halved=options.halved,
        license=options.license,
        credit=options.credit,
        models=options.models,
    )
    print(path)


if __name__ == "__main__":
    main()
