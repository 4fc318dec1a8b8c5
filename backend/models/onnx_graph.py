"""ONNX graphs written node by node: the only module of this package that knows `onnx`.

A graph takes the picture as people have it (uint8, rows of RGB) and answers the same, so that
scaling, clamping and layout are done by the runtime, once, in parallel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 18
IR_VERSION = 9
PICTURE = "lr"
RESULT = "sr"


class GraphWriter:
    """Collects nodes and constants; methods that add a node return the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: npt.ArrayLike) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def convolution(
        self,
        features: str,
        output: str,
        *,
        kernel: npt.NDArray[np.floating],
        bias: npt.ArrayLike | None,
        is_padded: bool = True,
    ) -> str:
        """Add a convolution, padded with zeros to keep the size unless told otherwise.

        A half-precision kernel stays one in the file.
        """
        weights = self.constant(f"{output}.weight", kernel)
        if kernel.dtype == np.float16:
            weights = self.node("Cast", [weights], f"{output}.wide", to=TensorProto.FLOAT)
        inputs = [features, weights]
        if bias is not None:
            inputs.append(self.constant(f"{output}.bias", bias))
        side = kernel.shape[-1]
        pads = [side // 2 if is_padded else 0] * 4
        return self.node("Conv", inputs, output, kernel_shape=[side, side], pads=pads)

    def inner(self, planes: str, border: int) -> str:
        """Leave out so many rows and columns at each side."""
        output = f"{planes}.inner{border}"
        bounds = {"first": [border] * 2, "end": [-border] * 2, "axes": [2, 3]}
        names = [self.constant(f"{output}.{name}", np.array(b)) for name, b in bounds.items()]
        return self.node("Slice", [planes, *names], output)

    def prelu(self, features: str, output: str, *, slopes: npt.NDArray[np.float32]) -> str:
        """Multiply negative values by their channel's slope.

        Written as `slope * x + (1 - slope) * relu(x)`, by convolutions of one value a channel: for
        the operator PRelu, ONNX Runtime leaves the blocked layout of its convolutions and comes
        back again, in each layer, which takes as long as the convolutions themselves.
        """
        kernel = slopes.reshape(-1, 1, 1, 1)
        positive = self.node("Relu", [features], f"{output}.positive")
        own = self._scaled(features, f"{output}.slopes", kernel)
        rest = self._scaled(positive, f"{output}.rest", np.float32(1) - kernel)
        return self.node("Add", [own, rest], output)

    def _scaled(self, features: str, name: str, kernel: npt.NDArray[np.float32]) -> str:
        inputs = [features, self.constant(name, kernel)]
        return self.node(
            "Conv", inputs, f"{name}.scaled", kernel_shape=[1, 1], group=kernel.shape[0]
        )

    def read_picture(self) -> str:
        """(1, H, W, 3) uint8 -> (1, 3, H, W) float32 in [0, 1]."""
        lr = self.node("Cast", [PICTURE], "lr.float", to=TensorProto.FLOAT)
        lr = self.node("Transpose", [lr], "lr.planar", perm=[0, 3, 1, 2])
        return self.node("Mul", [lr, self.constant("one_level", np.float32(1 / 255))], "lr.unit")

    def levels(self, planes: str) -> str:
        """Clip float32 to [0, 1] and round it to uint8 levels; the shape stays."""
        levels = self.node("Mul", [planes, self.constant("levels", np.float32(255))], "scaled")
        levels = self.node("Add", [levels, self.constant("half", np.float32(0.5))], "rounded")
        limits = [self.constant("black", np.float32(0)), self.constant("white", np.float32(255))]
        levels = self.node("Clip", [levels, *limits], "clipped")
        return self.node("Cast", [levels], "bytes", to=TensorProto.UINT8)

    def model(
        self,
        planes: str,
        *,
        producer: str,
        inputs: Mapping[str, Sequence[int]] | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> onnx.ModelProto:
        """(1, 3, sH, sW) uint8 `planes` are the result; `inputs` are more of float32, by shape."""
        self.node("Transpose", [planes], RESULT, perm=[0, 2, 3, 1])
        uint8, float32 = TensorProto.UINT8, TensorProto.FLOAT
        picture = helper.make_tensor_value_info(PICTURE, uint8, [1, "height", "width", 3])
        others = [
            helper.make_tensor_value_info(name, float32, shape)
            for name, shape in (inputs or {}).items()
        ]
        result = helper.make_tensor_value_info(RESULT, uint8, [1, "sr_height", "sr_width", 3])
        graph = helper.make_graph(
            self.nodes, "super_resolution", [picture, *others], [result], self.constants
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name=producer,
        )
        helper.set_model_props(model, dict(metadata or {}))
        onnx.checker.check_model(model, full_check=True)
        return model
