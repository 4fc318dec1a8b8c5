"""A network's file, inputs and output, whatever runtime it is loaded in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backend.errors import InferenceError, ModelError
from backend.images.picture import RgbImage
from backend.models.manifest import ModelSpec, verified_bytes
from backend.models.onnx_file import check_network_file

CLEANUP_INPUT = "cleanup"
UINT8, FLOAT32 = "uint8", "float32"


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One input: its type, and its shape with whole numbers where a side is fixed."""

    type: str
    shape: Sequence[object]


@dataclass(frozen=True, kw_only=True)
class Signature:
    """The way a picture is put in and taken out."""

    image: str
    is_uint8: bool
    """(1, H, W, 3) uint8 as this project exports; else (1, 3, H, W) float32 in [0, 1]."""
    takes_cleanup: bool

    def feed(self, lr: RgbImage, cleanup_level: float) -> dict[str, npt.NDArray[np.generic]]:
        """Return the network's inputs, by name."""
        found: dict[str, npt.NDArray[np.generic]] = {
            self.image: lr[np.newaxis] if self.is_uint8 else planes_from(lr)
        }
        if self.takes_cleanup:
            found[CLEANUP_INPUT] = np.full((1, 1, 1, 1), cleanup_level, np.float32)
        return found

    def picture(self, output: npt.NDArray[np.generic], lr: RgbImage, spec: ModelSpec) -> RgbImage:
        """Return the output as a picture; raise InferenceError when it has another size."""
        sr: RgbImage = np.asarray(output[0]) if self.is_uint8 else picture_from(output)
        height, width = (spec.scale * (side - 2 * spec.border) for side in lr.shape[:2])
        if sr.shape != (height, width, 3):
            raise InferenceError.wrong_size()
        return sr


def network_bytes(spec: ModelSpec) -> bytes:
    """Return the bytes of an ONNX file that may be loaded; raise ModelError for any other."""
    data = verified_bytes(spec)
    try:
        check_network_file(data)
    except ModelError as exc:
        raise spec.error(exc.message) from exc
    return data


def read_signature(inputs: Mapping[str, Tensor], spec: ModelSpec) -> Signature:
    """Raise ModelError with a sentence that says what does not fit."""
    pictures = {name: tensor for name, tensor in inputs.items() if name != CLEANUP_INPUT}
    if len(pictures) != 1:
        raise spec.error("must have one image input")
    name, image = next(iter(pictures.items()))
    if len(image.shape) != 4:
        raise spec.error("must take a batch of images with four dimensions")
    if image.type not in (UINT8, FLOAT32):
        raise spec.error("must take float32 (N, 3, H, W) or uint8 (N, H, W, 3)")
    sides = image.shape[1:3] if image.type == UINT8 else image.shape[2:4]
    if any(isinstance(side, int) for side in sides):
        raise spec.error("must leave height and width open (dynamic axes)")
    return Signature(
        image=name, is_uint8=image.type == UINT8, takes_cleanup=CLEANUP_INPUT in inputs
    )


def planes_from(lr: RgbImage) -> npt.NDArray[np.float32]:
    """(H, W, 3) uint8 -> (1, 3, H, W) float32 in [0, 1]."""
    planes = np.ascontiguousarray(lr.transpose(2, 0, 1)[np.newaxis], dtype=np.float32)
    planes /= np.float32(255)
    return planes


def picture_from(output: npt.NDArray[np.generic]) -> RgbImage:
    """(1, 3, H, W) float32 in [0, 1] -> (H, W, 3) uint8."""
    levels = np.asarray(output[0], np.float32).transpose(1, 2, 0) * np.float32(255)
    return np.asarray(np.clip(levels + np.float32(0.5), 0, 255), dtype=np.uint8)
