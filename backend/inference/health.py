"""Health of the process: every model is loaded once, and the runtimes are reported."""

from __future__ import annotations

from dataclasses import dataclass

from backend.errors import ModelError
from backend.inference.local_engine import LocalEngine
from backend.inference.onnx_session import OrtSession
from backend.inference.openvino_session import OpenVinoSession


@dataclass(frozen=True, kw_only=True)
class Health:
    """Facts for `GET /ping` and the log after the start."""

    is_ready: bool
    """Every scale of the model that requests get by default is loaded."""
    models: tuple[tuple[str, int], ...] = ()
    """(name, scale) of every network."""
    providers: tuple[str, ...] = ()
    """ONNX Runtime's execution providers that the networks run on."""
    missing_providers: tuple[str, ...] = ()
    """Providers that the settings name and no network uses, such as an idle GPU."""
    warnings: tuple[str, ...] = ()
    """Sentences for a person."""

    def check_providers(self) -> None:
        """Raise ModelError if a provider that the settings name cannot be used."""
        if self.missing_providers:
            names = ", ".join(self.missing_providers)
            raise ModelError(f"SR_PROVIDERS names {names}, which cannot be used here.")


def check(engine: LocalEngine) -> Health:
    """Load every model; a failure becomes a warning, not an error."""
    default = engine.settings.model
    warnings: list[str] = []
    providers: dict[str, None] = {}
    is_ready = default in engine.registry.models
    if not is_ready:
        warnings.append(f"There is no model named '{default}', which requests get by default.")
    for spec in engine.registry.specs:
        try:
            session = engine.session(model=spec.name, scale=spec.scale)
        except ModelError as exc:
            warnings.append(exc.message)
            is_ready = is_ready and spec.name != default
            continue
        if isinstance(session, OrtSession | OpenVinoSession):
            providers |= dict.fromkeys(session.providers)
    return Health(
        is_ready=is_ready,
        models=tuple((spec.name, spec.scale) for spec in engine.registry.specs),
        providers=tuple(providers),
        missing_providers=tuple(
            wanted
            for wanted in engine.settings.providers
            if providers and wanted != "auto" and wanted not in providers
        ),
        warnings=tuple(warnings),
    )
