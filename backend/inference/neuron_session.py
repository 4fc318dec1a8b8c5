"""A network compiled for one tile size, as AWS Neuron does; the only module that knows PyTorch.

PyTorch is not among this project's requirements: it is in AWS's Neuron images and is imported when
such a network is opened. The file is TorchScript:
(1, 3, S, S) float32 in [0, 1] and (1, 1, 1, 1) float32 clean-up -> (1, 3, S * scale, S * scale).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.errors import InferenceError, ModelError
from backend.images.picture import RgbImage
from backend.inference.mosaic import mosaic
from backend.inference.signature import picture_from, planes_from
from backend.inference.tiles import tiles
from backend.models.manifest import ModelSpec, verified_bytes

FloatBatch = npt.NDArray[np.float32]
CompiledNetwork = Callable[[FloatBatch, FloatBatch], FloatBatch]
"""The interface of a loaded file, in arrays."""

RUNTIMES = ("torch", "torch_neuronx")
"""PyTorch alone, or with AWS's package for Inferentia 2."""


class NeuronSession:
    """An `upscaler.Session`; a read of any size is cut into tiles of the one size that runs."""

    def __init__(
        self,
        spec: ModelSpec,
        *,
        load: Callable[[ModelSpec], CompiledNetwork] | None = None,
    ) -> None:
        if spec.fixed_size is None or spec.fixed_size <= 2 * spec.receptive_radius:
            raise spec.error("needs a 'fixed_size' above twice its 'receptive_radius'")
        if spec.unpadded:
            raise spec.error("is compiled, and so padded: 'unpadded' is wrong")
        self.spec = spec
        self._side = spec.fixed_size
        self._network = (load or load_torchscript)(spec)

    def run(self, lr: RgbImage, *, cleanup_level: float) -> RgbImage:
        """See `upscaler.Session`.

        A smaller read is grown by repeating its last row and column, which changes nothing within
        the picture: what an `Upscaler` keeps of a read is as far from its edge as can matter.
        """
        height, width = lr.shape[:2]
        pad = self.spec.receptive_radius
        cuts = list(tiles(height, width, tile_size=self._side - 2 * pad, tile_pad=pad))
        return mosaic(
            lr, cuts, lambda read: self._run_tile(read, cleanup_level), scale=self.spec.scale
        )

    def _run_tile(self, lr: RgbImage, cleanup_level: float) -> RgbImage:
        height, width = lr.shape[:2]
        surplus = ((0, self._side - height), (0, self._side - width), (0, 0))
        whole = np.pad(lr, surplus, mode="edge")
        level = np.full((1, 1, 1, 1), cleanup_level, np.float32)
        output = self._network(planes_from(whole), level)
        scale = self.spec.scale
        if output.shape != (1, 3, self._side * scale, self._side * scale):
            raise InferenceError.wrong_size()
        return picture_from(output)[: height * scale, : width * scale]


def load_torchscript(spec: ModelSpec) -> CompiledNetwork:
    """Load the file; raise ModelError if it, PyTorch or Neuron's part is missing or unsuitable."""
    if spec.runtime not in RUNTIMES:
        raise ModelError(f"There is no runtime '{spec.runtime}'.", model=spec.name)
    data = verified_bytes(spec)
    try:
        torch: Any = import_module("torch")
        import_module(spec.runtime)  # registers the operators of the compiled file
    except ImportError as exc:
        raise spec.error(f"needs '{spec.runtime}', which is not installed here") from exc
    try:
        module = torch.jit.load(io.BytesIO(data)).eval()
    except (RuntimeError, ValueError) as exc:
        raise spec.error("cannot be loaded") from exc

    def run(batch: FloatBatch, cleanup: FloatBatch) -> FloatBatch:
        try:
            with torch.inference_mode():
                output = module(torch.from_numpy(batch), torch.from_numpy(cleanup))
        except RuntimeError as exc:
            raise InferenceError from exc
        found: FloatBatch = output.float().cpu().numpy()
        return found

    return run
