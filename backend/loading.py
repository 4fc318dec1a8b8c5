"""The composition root: settings in, a ready service out."""

from __future__ import annotations

from backend.neuron_session import NeuronSession
from backend.registry import MANIFEST, SHIPPED, ModelSpec, Registry, load_registry
from backend.service import ResultStore, Service
from backend.session import OrtSession
from backend.settings import Settings
from backend.sources import AnySource
from backend.upscaler import Session


def registry_of(settings: Settings) -> Registry:
    """The shipped networks, and those of `models_dir` before them where the names are equal.

    A package for AWS may leave the shipped ones out and bring them in `models_dir`.
    """
    if settings.models_dir is None:
        return load_registry(SHIPPED)
    shipped = [SHIPPED] if (SHIPPED / MANIFEST).exists() else []
    return load_registry(*shipped, settings.models_dir)


def session_of(spec: ModelSpec, settings: Settings) -> Session:
    """The network in the runtime that its manifest entry names."""
    if spec.runtime == "onnxruntime":
        return open_session(spec, settings)
    return NeuronSession(spec)


def open_session(spec: ModelSpec, settings: Settings) -> OrtSession:
    """One ONNX network, loaded with the settings' threads and providers."""
    return OrtSession(spec, intra_op_threads=settings.threads, providers=settings.providers)


def create_service(settings: Settings, *, result_store: ResultStore | None = None) -> Service:
    """Nothing is loaded yet: each network is, when it is first asked for."""
    return Service(
        registry=registry_of(settings),
        open_session=lambda spec: session_of(spec, settings),
        source=AnySource(settings),
        settings=settings,
        result_store=result_store,
    )
