"""The composition root: settings in, a ready engine out."""

from __future__ import annotations

from backend.images.picture import Decode
from backend.images.sandbox.process import DecodeProcess, is_supported
from backend.images.sandbox.spawned import SpawnedDecoder
from backend.inference import openvino_runtime
from backend.inference.local_engine import LocalEngine
from backend.inference.neuron_session import NeuronSession
from backend.inference.onnx_session import OrtSession, is_gpu_available
from backend.inference.openvino_session import OpenVinoSession
from backend.inference.upscaler import PixelSession, Session
from backend.models.manifest import MANIFEST, NEAREST, ONNX_RUNTIME, SHIPPED, ModelSpec
from backend.models.registry import Registry, load_registry, pixel_spec
from backend.options import AUTO, SCALES
from backend.settings import Settings

OPENVINO = "openvino"

GPU_CORES = 40
"""Assumed speed of a GPU before anything was measured: a quarter of a T4's nominal rate."""


def registry_from(settings: Settings) -> Registry:
    """Load the shipped models and those of `models_dir`, which replace shipped ones of the same
    name.

    A package for AWS may leave the shipped ones out and bring them in `models_dir`.
    """
    folders = [SHIPPED] if settings.models_dir is None or (SHIPPED / MANIFEST).exists() else []
    if settings.models_dir is not None:
        folders.append(settings.models_dir)
    return Registry([*load_registry(*folders).specs, *map(pixel_spec, SCALES)])


def session_from(spec: ModelSpec, settings: Settings) -> Session:
    """Open a model in the runtime that its manifest entry names."""
    if spec.runtime == ONNX_RUNTIME:
        return open_session(spec, settings)
    if spec.runtime == NEAREST:
        return PixelSession(spec)
    return NeuronSession(spec)


def takes_openvino(settings: Settings) -> bool:
    """Return whether ONNX networks run in OpenVINO.

    `auto` takes it if it is installed and the processor multiplies bfloat16, unless there is a GPU
    or the settings name providers of ONNX Runtime.
    """
    if settings.runtime != AUTO:
        return settings.runtime == OPENVINO
    is_free = settings.providers == (AUTO,) and not is_gpu_available(settings.providers)
    return is_free and openvino_runtime.is_installed() and openvino_runtime.has_matrix_units()


def open_session(spec: ModelSpec, settings: Settings) -> OrtSession | OpenVinoSession:
    """Load one ONNX model with the settings' threads and providers."""
    if takes_openvino(settings):
        return OpenVinoSession(
            spec,
            threads=settings.threads,
            has_matrix_units=openvino_runtime.has_matrix_units(),
        )
    return OrtSession(spec, intra_op_threads=settings.threads, providers=settings.providers)


def decoder() -> Decode:
    """Start a decoding process; it ends with the last user of the returned function."""
    return DecodeProcess().decode if is_supported() else SpawnedDecoder().decode


def create_engine(
    settings: Settings, *, cores: float | None = None, max_networks: int | None = None
) -> LocalEngine:
    """Make an engine; each model is loaded when it is first used.

    `cores` is for the first estimates, if there are fewer threads than cores. For `max_networks`
    see `LocalEngine`.
    """
    if cores is None and is_gpu_available(settings.providers):
        cores = GPU_CORES
    return LocalEngine(
        registry=registry_from(settings),
        open_session=lambda spec: session_from(spec, settings),
        decode=decoder(),
        settings=settings,
        cores=cores,
        max_networks=max_networks,
    )
