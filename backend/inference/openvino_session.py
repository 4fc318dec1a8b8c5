"""One network in OpenVINO, which uses a processor's units for bfloat16."""

from __future__ import annotations

from backend.errors import InferenceError
from backend.images.picture import RgbImage
from backend.inference.openvino_runtime import core
from backend.inference.signature import FLOAT32, UINT8, Tensor, network_bytes, read_signature
from backend.models.manifest import ModelSpec

TYPES = {"uint8_t": UINT8, "u8": UINT8, "float": FLOAT32, "f32": FLOAT32}
DEVICE = "CPU"


class OpenVinoSession:
    """An `upscaler.Session`; `run` may be called from several threads."""

    def __init__(self, spec: ModelSpec, *, threads: int, has_matrix_units: bool) -> None:
        """Load the network; it computes in bfloat16 if the processor and its spec allow that."""
        self.spec = spec
        self.is_bfloat16 = has_matrix_units and spec.bfloat16
        data = network_bytes(spec)
        runtime = core()
        settings = {
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "bf16" if self.is_bfloat16 else "f32",
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,
        }
        try:
            model = runtime.read_model(data)
            inputs = {
                each.any_name: Tensor(
                    type=TYPES.get(str(each.element_type.to_string()), ""),
                    shape=[
                        None if side.is_dynamic else side.get_length()
                        for side in each.partial_shape
                    ],
                )
                for each in model.inputs
            }
            self._signature = read_signature(inputs, spec)
            self._network = runtime.compile_model(model, DEVICE, settings)
        except RuntimeError as exc:
            raise spec.error("cannot be loaded") from exc

    @property
    def providers(self) -> list[str]:
        """The runtime and its number format, to list beside ONNX Runtime's providers."""
        return ["OpenVINO bfloat16" if self.is_bfloat16 else "OpenVINO float32"]

    def run(self, lr: RgbImage, *, cleanup_level: float) -> RgbImage:
        """See `upscaler.Session`; raise InferenceError if it fails or answers another size.

        Each run has a request of its own, whose memory is given back with it.
        """
        feed = self._signature.feed(lr, cleanup_level)
        try:
            output = self._network.create_infer_request().infer(feed)[0].copy()
        except RuntimeError as exc:
            raise InferenceError from exc
        return self._signature.picture(output, lr, self.spec)
