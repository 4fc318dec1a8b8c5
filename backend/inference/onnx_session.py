"""One network loaded and ready: the only module that knows what ONNX Runtime can do."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backend.errors import InferenceError, ModelError
from backend.images.picture import RgbImage
from backend.inference.onnx_runtime import ort, ort_errors
from backend.models.manifest import ModelSpec, verified_bytes
from backend.models.onnx_file import check_network_file

RUNTIME_ERRORS = (
    ort_errors.EPFail,
    ort_errors.EngineError,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.ModelLoaded,
    ort_errors.NoModel,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    RuntimeError,
    ValueError,
)
"""ONNX Runtime's exceptions have no base of their own."""

CLEANUP_INPUT = "cleanup"
CUDA = "CUDAExecutionProvider"
DIRECTML = "DmlExecutionProvider"
"""Runs one picture at a time, and only without ONNX Runtime's plan of memory."""


@dataclass(frozen=True)
class _Signature:
    image: str
    is_uint8: bool
    """(1, H, W, 3) uint8 as this project exports; else (1, 3, H, W) float32 in [0, 1]."""
    takes_cleanup: bool


def is_gpu_available(wanted: tuple[str, ...]) -> bool:
    """Return whether models run on a GPU with these providers."""
    return (wanted == ("auto",) or CUDA in wanted) and CUDA in ort.get_available_providers()


def available_providers(wanted: tuple[str, ...]) -> list[str]:
    """`auto` is CUDA where it is installed, then the CPU; ModelError when nothing is left."""
    installed = ort.get_available_providers()
    if wanted == ("auto",):
        wanted = (CUDA, "CPUExecutionProvider")
    chosen = [provider for provider in wanted if provider in installed]
    if not chosen:
        raise ModelError("None of the wanted execution providers is installed.")
    return chosen


class OrtSession:
    """A network in ONNX Runtime; `run` may be called from several threads."""

    def __init__(
        self, spec: ModelSpec, *, intra_op_threads: int, providers: tuple[str, ...] = ("auto",)
    ) -> None:
        self.spec = spec
        options = ort.SessionOptions()
        options.intra_op_num_threads = intra_op_threads
        options.inter_op_num_threads = 1
        # Threads that wait for work let others have the processor: as fast where it is free.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_cpu_mem_arena = False  # see `memory`
        options.log_severity_level = 4  # errors arrive as exceptions; the request handler logs them
        chosen = available_providers(providers)
        self._turn: AbstractContextManager[object] = nullcontext()
        if DIRECTML in chosen:
            options.enable_mem_pattern = False
            self._turn = threading.Lock()
        data = verified_bytes(spec)
        try:
            check_network_file(data)
        except ModelError as exc:
            raise spec.error(exc.message) from exc
        try:
            self._session = ort.InferenceSession(data, sess_options=options, providers=chosen)
        except RUNTIME_ERRORS as exc:
            raise spec.error("cannot be loaded") from exc
        self._signature = _signature(self._session, spec)

    @property
    def providers(self) -> list[str]:
        """The execution providers in use, in order."""
        return list(self._session.get_providers())

    @property
    def takes_cleanup(self) -> bool:
        """True if the model has the conditioning input."""
        return self._signature.takes_cleanup

    def run(self, lr: RgbImage, *, cleanup_level: float) -> RgbImage:
        """See `upscaler.Session`; InferenceError when the network fails or answers another size."""
        signature = self._signature
        feed: dict[str, npt.NDArray[np.generic]] = {
            signature.image: lr[np.newaxis] if signature.is_uint8 else _to_planes(lr)
        }
        if signature.takes_cleanup:
            feed[CLEANUP_INPUT] = np.full((1, 1, 1, 1), cleanup_level, np.float32)
        try:
            with self._turn:
                output = self._session.run(None, feed)[0]
        except RUNTIME_ERRORS as exc:
            raise InferenceError from exc
        sr: RgbImage = output[0] if signature.is_uint8 else _interleave(output)
        expected = (lr.shape[0] * self.spec.scale, lr.shape[1] * self.spec.scale, 3)
        if sr.shape != expected:
            raise InferenceError.wrong_size()
        return sr


def _signature(session: ort.InferenceSession, spec: ModelSpec) -> _Signature:
    """ModelError with a sentence that says what does not fit."""

    inputs = {each.name: each for each in session.get_inputs()}
    takes_cleanup = inputs.pop(CLEANUP_INPUT, None) is not None
    if len(inputs) != 1:
        raise spec.error("must have one image input")
    image = next(iter(inputs.values()))
    if len(image.shape) != 4:
        raise spec.error("must take a batch of images with four dimensions")
    if image.type == "tensor(uint8)":
        sides = image.shape[1:3]
    elif image.type == "tensor(float)":
        sides = image.shape[2:4]
    else:
        raise spec.error("must take float32 (N, 3, H, W) or uint8 (N, H, W, 3)")
    if any(isinstance(side, int) for side in sides):
        raise spec.error("must leave height and width open (dynamic axes)")
    return _Signature(image.name, image.type == "tensor(uint8)", takes_cleanup)


def _to_planes(lr: RgbImage) -> npt.NDArray[np.float32]:
    planes = np.ascontiguousarray(lr.transpose(2, 0, 1)[np.newaxis], dtype=np.float32)
    planes /= np.float32(255)
    return planes


def _interleave(output: npt.NDArray[np.float32]) -> RgbImage:
    levels = np.clip(output[0].transpose(1, 2, 0) * np.float32(255) + np.float32(0.5), 0, 255)
    return np.asarray(levels, dtype=np.uint8)
