"""Networks compiled for AWS Inferentia: `python -m cfn.neuron.compile --out DIR --target inf2`.

It runs where AWS's Neuron SDK is, 2.26.1 or newer (`torch_neuronx` with Python 3.11): on an Inf2 or
Trn1 machine. `--target cpu` writes plain TorchScript, which the same session runs anywhere PyTorch
is. The weights are those of the shipped ONNX files, so what is compiled is what every other
deployment runs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from backend.models.manifest import SHIPPED, ModelSpec, read_manifest, verified_bytes

DEFAULT_SIZE = 416
"""A tile of the default size (384) with a padding of up to 16 on each side."""
RUNTIMES = {"inf2": "torch_neuronx", "cpu": "torch"}
ENDED = (
    "Inferentia 1 is not possible any more: AWS's Neuron SDK dropped it after 2.20, and those "
    "images have Python 3.10, while this engine needs 3.11. Compile with --target inf2."
)
PICTURE, CLEANUP, LEVELS = "lr.unit", "plane", "scaled"
"""Names in the graphs: the picture as floats, the level at each of its pixels, colours x 255."""


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """One compiled file and its manifest entry."""

    data: bytes
    entry: dict[str, object]


def network_steps(data: bytes) -> list[onnx.NodeProto]:
    """Return the steps of an exported network from `PICTURE` and `CLEANUP` to colours."""
    nodes = onnx.load_model_from_string(data).graph.node
    made = {node.output[0]: node for node in nodes}
    wanted, needed = [made[LEVELS].input[0]], set[str]()
    while wanted:
        name = wanted.pop()
        if name in made and name not in {PICTURE, CLEANUP} | needed:
            needed.add(name)
            wanted += made[name].input
    return [node for node in nodes if node.output[0] in needed]


def to_module(data: bytes, *, scale: int) -> Any:
    """Return the same network in PyTorch, for float pictures; see `neuron_session`."""
    torch = import_module("torch")
    functional = import_module("torch.nn.functional")
    steps = network_steps(data)
    read = {name for step in steps for name in step.input}
    constants = {
        each.name: torch.from_numpy(np.array(numpy_helper.to_array(each)))
        for each in onnx.load_model_from_string(data).graph.initializer
        if each.name in read
    }

    def convolved(step: onnx.NodeProto, features: Any, kernel: Any, bias: Any = None) -> Any:
        groups = next((each.i for each in step.attribute if each.name == "group"), 1)
        padding = kernel.shape[-1] // 2
        return functional.conv2d(features, kernel, bias, padding=padding, groups=groups)

    operations: Mapping[str, Callable[..., Any]] = {
        "Add": lambda _, a, b: a + b,
        "Concat": lambda _, *parts: torch.cat(parts, dim=1),
        "Conv": convolved,
        "Mul": lambda _, a, b: a * b,
        "Relu": lambda _, features: functional.relu(features),
        "Slice": lambda _, features, *_bounds: features,  # as all convolutions are padded
        "Sigmoid": lambda _, features: torch.sigmoid(features),
        "Sub": lambda _, a, b: a - b,
    }

    class Network(torch.nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            for name, value in constants.items():
                self.register_buffer(name.replace(".", "_"), value)

        def forward(self, lr: Any, cleanup: Any) -> Any:
            known = {name: getattr(self, name.replace(".", "_")) for name in constants}
            known |= {PICTURE: lr, CLEANUP: cleanup.expand(1, 1, lr.shape[2], lr.shape[3])}
            for step in steps:
                values = [known[name] for name in step.input]
                known[step.output[0]] = operations[step.op_type](step, *values)
            return functional.pixel_shuffle(known[steps[-1].output[0]], scale).clamp(0, 1)

    return Network().eval()


def compile_network(spec: ModelSpec, *, target: str, size: int, path: Path) -> Compiled:
    """Trace and compile for tiles of `size` x `size`; `path` is written."""
    torch = import_module("torch")
    runtime = import_module(RUNTIMES[target])
    module = to_module(verified_bytes(spec), scale=spec.scale)
    example = (torch.rand(1, 3, size, size), torch.zeros(1, 1, 1, 1))
    with torch.no_grad():
        if target == "cpu":
            compiled = torch.jit.trace(module, example)
        else:
            compiled = runtime.trace(module, example)
    torch.jit.save(compiled, str(path))
    data = path.read_bytes()
    entry: dict[str, object] = {
        "name": spec.name,
        "scale": spec.scale,
        "file": path.name,
        "description": spec.description,
        "receptive_radius": spec.receptive_radius,
        "sha256": hashlib.sha256(data).hexdigest(),
        "license": spec.license,
        "runtime": RUNTIMES[target],
        "fixed_size": size,
    }
    if spec.multiplications is not None:
        entry["multiplications"] = spec.multiplications
    return Compiled(data=data, entry=entry)


def main(arguments: Sequence[str] | None = None) -> int:
    """Every network of the manifest; the folder is for the packaging's `--neuron`."""
    parser = argparse.ArgumentParser(prog="python -m cfn.neuron.compile", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--target", choices=[*RUNTIMES, "inf1"], default="inf2")
    parser.add_argument("--size", type=int, default=DEFAULT_SIZE, help="side of a tile in pixels")
    parser.add_argument("--models", type=Path, default=SHIPPED)
    options = parser.parse_args(arguments)
    if options.target not in RUNTIMES:
        parser.error(ENDED)
    options.out.mkdir(parents=True, exist_ok=True)
    entries = []
    for spec in read_manifest(options.models):
        path = options.out / f"{spec.name}_x{spec.scale}.pt"
        sys.stdout.write(f"{path}\n")
        compiled = compile_network(spec, target=options.target, size=options.size, path=path)
        entries.append(compiled.entry)
    manifest = json.dumps({"models": entries}, indent=2) + "\n"
    (options.out / "manifest.json").write_text(manifest, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
