"""Tiny ONNX networks, right and wrong, written by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

from backend.images.picture import RgbImage
from backend.inference.upscaler import Session
from backend.models.manifest import MANIFEST, SHIPPED, ModelSpec

FLOAT = TensorProto.FLOAT
OPSET = 17
Shape = Sequence[int | str]
OPEN: Shape = (1, 3, "height", "width")


class Padded:
    """A real session of an unpadded network, padded, that claims a receptive radius."""

    def __init__(self, session: Session, *, receptive_radius: int) -> None:
        self._session = session
        self.spec: ModelSpec = replace(
            session.spec, receptive_radius=receptive_radius, unpadded=False
        )

    def run(self, lr: RgbImage, *, cleanup_level: float) -> RgbImage:
        border = self._session.spec.border
        padded = np.pad(lr, ((border, border), (border, border), (0, 0)))
        return self._session.run(padded, cleanup_level=cleanup_level)


def network(
    nodes: Sequence[NodeProto], constants: dict[str, np.ndarray], *, shape: Shape = OPEN
) -> ModelProto:
    """Write a model from `lr` to `sr`, both (1, 3, H, W) float32."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info("lr", FLOAT, list(shape))],
        [helper.make_tensor_value_info("sr", FLOAT, [None] * 4)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    checker.check_model(model)
    return model


def resizing(name: str, *, scale: int) -> tuple[NodeProto, dict[str, np.ndarray]]:
    node = helper.make_node("Resize", [name, "", "scales"], ["sr"], mode="nearest")
    return node, {"scales": np.array([1, 1, scale, scale], np.float32)}


def blurring(*, scale: int = 2, radius: int = 3, shape: Shape = OPEN) -> ModelProto:
    """Write a mean over a square, then repeat every pixel: its reach is exactly `radius`."""
    side = 2 * radius + 1
    weights = np.full((3, 1, side, side), 1 / side**2, np.float32)
    blur = helper.make_node(
        "Conv", ["lr", "weights"], ["blurred"], group=3, pads=[radius] * 4, kernel_shape=[side] * 2
    )
    resize, constants = resizing("blurred", scale=scale)
    return network([blur, resize], {"weights": weights, **constants}, shape=shape)


def looking_everywhere() -> ModelProto:
    """Subtract the mean of the whole picture: no tile can equal the whole."""
    mean = helper.make_node("GlobalAveragePool", ["lr"], ["mean"])
    centred = helper.make_node("Sub", ["lr", "mean"], ["centred"])
    half = helper.make_node("Add", ["centred", "half"], ["level"])
    resize, constants = resizing("level", scale=2)
    return network([mean, centred, half, resize], {"half": np.array(0.5, np.float32), **constants})


def for_one_size_only() -> ModelProto:
    """Write a model that accepts any size, and fails for all but 8 x 8."""
    reshape = helper.make_node("Reshape", ["lr", "shape"], ["square"])
    resize, constants = resizing("square", scale=2)
    return network([reshape, resize], {"shape": np.array([1, 3, 8, 8], np.int64), **constants})


def endless(*, pixels: int = 2500) -> ModelProto:
    """Write a model that never ends with tiles of so many pixels or more."""
    loop = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["goes_on"]),
            helper.make_node("Identity", ["before"], ["after"]),
        ],
        "loop",
        [
            helper.make_tensor_value_info("count", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", FLOAT, [None] * 4),
        ],
        [
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", FLOAT, [None] * 4),
        ],
    )
    nodes = [
        helper.make_node("Size", ["lr"], ["size"]),
        helper.make_node("Div", ["size", "endless_size"], ["times"]),
        helper.make_node("Mul", ["times", "endless_count"], ["most"]),
        helper.make_node("Loop", ["most", "", "lr"], ["looped"], body=loop),
    ]
    resize, constants = resizing("looped", scale=2)
    numbers = {"endless_size": np.array(3 * pixels), "endless_count": np.array(2**50)}
    return network([*nodes, resize], {**numbers, **constants})


def in_blocks(block: int) -> ModelProto:
    """Write a model for multiples of `block` only."""
    fold = helper.make_node("SpaceToDepth", ["lr"], ["folded"], blocksize=block)
    unfold = helper.make_node("DepthToSpace", ["folded"], ["unfolded"], blocksize=block)
    resize, constants = resizing("unfolded", scale=2)
    return network([fold, unfold, resize], constants)


def with_two_inputs() -> ModelProto:
    model = blurring()
    second = helper.make_tensor_value_info("sigma", FLOAT, [1])
    model.graph.input.append(second)
    return model


def entry(name: str, path: Path, **changes: object) -> dict[str, object]:
    """Return a manifest entry that fits `blurring()` unless changed."""
    return {
        "name": name,
        "scale": 2,
        "file": path.name,
        "receptive_radius": 3,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        **changes,
    }


def add(folder: Path, name: str, model: ModelProto, **changes: object) -> Path:
    """Write the network and its entry into the folder's manifest."""
    path = folder / f"{name}.onnx"
    path.write_bytes(model.SerializeToString())
    manifest = folder / MANIFEST
    models = json.loads(manifest.read_text())["models"] if manifest.exists() else []
    manifest.write_text(json.dumps({"models": [*models, entry(name, path, **changes)]}))
    return path


def damage(path: Path) -> None:
    """Change one byte after the manifest was written."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def shipped_names() -> list[str]:
    models = json.loads((SHIPPED / MANIFEST).read_text())["models"]
    return sorted({model["name"] for model in models})
