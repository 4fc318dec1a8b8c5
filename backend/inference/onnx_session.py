"""A network in ONNX Runtime: the only module that knows its interface."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext

from backend.errors import InferenceError, ModelError
from backend.images.picture import RgbImage
from backend.inference.onnx_runtime import ort, ort_errors
from backend.inference.signature import FLOAT32, UINT8, Tensor, network_bytes, read_signature
from backend.models.manifest import ModelSpec

RUNTIME_ERRORS: tuple[type[Exception], ...] = (
    *(
        each
        for each in vars(ort_errors).values()
        if isinstance(each, type) and issubclass(each, Exception)
    ),
    RuntimeError,
    ValueError,
)
"""ONNX Runtime's exceptions, which have no common base."""

CUDA = "CUDAExecutionProvider"
DIRECTML = "DmlExecutionProvider"
"""A provider that runs one picture at a time, and only without ONNX Runtime's memory plan."""
TYPES = {"tensor(uint8)": UINT8, "tensor(float)": FLOAT32}


def is_gpu_available(wanted: tuple[str, ...]) -> bool:
    """Return whether models run on a GPU with these providers."""
    return (wanted == ("auto",) or CUDA in wanted) and CUDA in ort.get_available_providers()


def available_providers(wanted: tuple[str, ...]) -> list[str]:
    """Return those installed; `auto` is CUDA, then the CPU. Raise ModelError if none is left."""
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
        # Waiting threads give up the processor, which costs nothing if it is free.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_cpu_mem_arena = False  # see `allocator`
        options.log_severity_level = 4  # errors arrive as exceptions; the request handler logs them
        chosen = available_providers(providers)
        self._turn: AbstractContextManager[object] = nullcontext()
        if DIRECTML in chosen:
            options.enable_mem_pattern = False
            self._turn = threading.Lock()
        data = network_bytes(spec)
        try:
            self._session = ort.InferenceSession(data, sess_options=options, providers=chosen)
        except RUNTIME_ERRORS as exc:
            raise spec.error("cannot be loaded") from exc
        inputs = {
            each.name: Tensor(type=TYPES.get(each.type, each.type), shape=each.shape)
            for each in self._session.get_inputs()
        }
        self._signature = read_signature(inputs, spec)

    @property
    def providers(self) -> list[str]:
        """The execution providers in use, in order."""
        return list(self._session.get_providers())

    def run(self, lr: RgbImage, *, cleanup_level: float) -> RgbImage:
        """See `upscaler.Session`; raise InferenceError if it fails or answers another size."""
        feed = self._signature.feed(lr, cleanup_level)
        try:
            with self._turn:
                output = self._session.run(None, feed)[0]
        except RUNTIME_ERRORS as exc:
            raise InferenceError from exc
        return self._signature.picture(output, lr, self.spec)
