"""The composition root: settings in, a ready service out."""

from __future__ import annotations

from backend.registry import SHIPPED, ModelSpec, Registry, load_registry
from backend.service import Service
from backend.session import OrtSession
from backend.settings import Settings
from backend.sources import AnySource
from backend.upscaler import Session


def registry_of(settings: Settings) -> Registry:
    """The shipped networks, and those of `models_dir` before them where the names are equal."""
    folders = [SHIPPED] + ([settings.models_dir] if settings.models_dir else [])
    return load_registry(*folders)


def create_service(settings: Settings) -> Service:
    """Nothing is loaded yet: each network is, when it is first asked for."""

    def open_session(spec: ModelSpec) -> Session:
        return OrtSession(spec, intra_op_threads=settings.threads, providers=settings.providers)

    return Service(
        registry=registry_of(settings),
        open_session=open_session,
        source=AnySource(settings),
        settings=settings,
    )
