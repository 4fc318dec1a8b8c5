"""Where pictures are enhanced, as the page sees it; this process is one such place.

`webapp.cloud` has the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Protocol

from backend import Service, Upscaled, UpscaleOptions

Progress = Callable[[int, int], None]
"""Called with (done, total) while a picture is worked on."""


class Place(Enum):
    """Where a visitor wants a picture enhanced."""

    LOCAL = "local"
    CLOUD = "cloud"
    BOTH = "both"


class Engine(Protocol):
    """One place that upscales; its methods are called from worker threads too."""

    @property
    def models(self) -> Mapping[str, Sequence[int]]:
        """The scales of each tier, the default tier first."""
        ...

    def enhance(
        self,
        data: bytes,
        options: UpscaleOptions,
        *,
        on_progress: Progress,
        is_cancelled: Callable[[], bool],
    ) -> Upscaled:
        """An encoded picture in, an encoded picture out; raises SuperResolutionError."""
        ...

    def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:
        """What an upright input of (width, height) is expected to take."""
        ...


class LocalEngine:
    """The networks in this process; pictures go nowhere."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def models(self) -> Mapping[str, Sequence[int]]:
        """See `Engine`."""
        registry = self._service.registry
        default = self._service.settings.model
        names = sorted(registry.names, key=lambda name: name != default)
        return {
            name: sorted(spec.scale for spec in registry.specs if spec.name == name)
            for name in names
        }

    def enhance(
        self,
        data: bytes,
        options: UpscaleOptions,
        *,
        on_progress: Progress,
        is_cancelled: Callable[[], bool],
    ) -> Upscaled:
        """See `Engine`."""
        return self._service.upscale(
            data, options, on_progress=on_progress, is_cancelled=is_cancelled
        )

    def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:
        """See `Engine`."""
        return self._service.estimated_seconds(size, options)
