"""The engine of this process: networks that are loaded once and shared by all threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from backend.engine import Upscaled, Watch
from backend.errors import DeadlineError, ImageTooLargeError, PayloadTooLargeError
from backend.estimate import Estimator
from backend.gate import Gate
from backend.images import Decode, Picture, check_output_size, encode, output_format
from backend.memory import give_back_memory
from backend.options import UpscaleOptions
from backend.registry import ModelSpec, Registry
from backend.settings import Settings
from backend.upscaler import Session, Upscaler

MEBIBYTE = 2**20


class LocalEngine:
    """An `Engine`; made once a process."""

    def __init__(
        self,
        *,
        registry: Registry,
        open_session: Callable[[ModelSpec], Session],
        decode: Decode,
        settings: Settings,
    ) -> None:
        self._registry = registry
        self._open_session = open_session
        self._decode = decode
        self._settings = settings
        self._gate = Gate(max_running=settings.max_running, max_queued=settings.max_queued)
        self._sessions: dict[tuple[str, int], Session] = {}
        self._loading = threading.Lock()
        self._estimator = Estimator(threads=settings.threads)

    @property
    def registry(self) -> Registry:
        """The networks that requests may name."""
        return self._registry

    @property
    def settings(self) -> Settings:
        """As read at the entry point."""
        return self._settings

    @property
    def models(self) -> Mapping[str, Sequence[int]]:
        """See `Engine`."""
        models = self._registry.models
        default = self._settings.model
        return {default: models[default], **models} if default in models else models

    @property
    def load(self) -> tuple[int, int]:
        """(running, waiting) just now."""
        return self._gate.load

    @property
    def seconds_until_free(self) -> float:
        """Until the picture at work is expected to be done."""
        return self._gate.seconds_until_free

    def session(self, *, model: str | None, scale: int) -> Session:
        """The network, loaded on first use and kept; ModelError when it cannot be loaded."""
        return self._opened(self._find(model, scale))

    def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:
        """See `Engine`."""
        spec = self._find(options.model, options.scale)
        return self._estimator.seconds(spec, pixels=size[0] * size[1])

    def upscale(self, data: bytes, options: UpscaleOptions, *, watch: Watch = Watch()) -> Upscaled:
        """See `Engine`."""
        if len(data) > self._settings.max_image_bytes:
            raise PayloadTooLargeError(
                "The picture has more bytes than the limit of "
                f"{self._settings.max_image_bytes // MEBIBYTE} MiB.",
                max_bytes=self._settings.max_image_bytes,
            )
        spec = self._find(options.model, options.scale)
        arrived = time.perf_counter()
        try:
            return self._upscale(data, spec, options, watch, arrived=arrived)
        finally:
            give_back_memory()

    def _upscale(
        self,
        data: bytes,
        spec: ModelSpec,
        options: UpscaleOptions,
        watch: Watch,
        *,
        arrived: float,
    ) -> Upscaled:
        with self._gate.turn(watch) as turn:
            started = time.perf_counter()
            picture = self._decode(data, max_side=self._settings.max_side)
            file_format = output_format(picture, options.format)
            self._check_output(picture, spec, file_format, seconds_left=watch.seconds_left())
            turn.expect(self._estimator.seconds(spec, pixels=picture.size[0] * picture.size[1]))
            session = self._opened(spec)
            cleanup = _cleanup(picture, options)
            running = time.perf_counter()
            upscaler = Upscaler(session, tile_size=self._settings.tile_size)
            sr = upscaler.upscale(picture, cleanup=cleanup / 100, watch=watch)
            encoding = time.perf_counter()
            self._estimator.learn(
                spec, pixels=picture.size[0] * picture.size[1], seconds=encoding - running
            )
            watch.on_finishing()
            encoded = encode(sr, format=file_format, quality=options.quality)
            finished = time.perf_counter()
            return Upscaled(
                data=encoded,
                width=sr.size[0],
                height=sr.size[1],
                format=file_format,
                model=spec.name,
                scale=spec.scale,
                cleanup=cleanup,
                lr_size=picture.size,
                seconds=finished - started,
                stages={
                    "waiting": round(started - arrived, 4),
                    "decoding": round(running - started, 4),
                    "network": round(encoding - running, 4),
                    "encoding": round(finished - encoding, 4),
                },
            )

    def _find(self, model: str | None, scale: int) -> ModelSpec:
        return self._registry.find(name=model or self._settings.model, scale=scale)

    def _opened(self, spec: ModelSpec) -> Session:
        key = (spec.name, spec.scale)
        with self._loading:
            if key not in self._sessions:
                self._sessions[key] = self._open_session(spec)
            return self._sessions[key]

    def _check_output(
        self, picture: Picture, spec: ModelSpec, format: str, *, seconds_left: float
    ) -> None:
        width, height = (side * spec.scale for side in picture.size)
        if width * height > self._settings.max_output_pixels:
            raise ImageTooLargeError(
                f"The result would be {width} x {height} pixels; choose a smaller scale.",
                width=width,
                height=height,
            )
        check_output_size(width, height, format=format)
        budget = max(0.0, seconds_left)
        if self._settings.time_budget_seconds is not None:
            budget = min(budget, self._settings.time_budget_seconds)
        estimate = self._estimator.seconds(spec, pixels=picture.size[0] * picture.size[1])
        if estimate > budget:
            raise DeadlineError(
                f"This would take about {estimate:.0f} seconds and the limit is {budget:.0f}; "
                "send a smaller picture or choose a faster model.",
                estimated_seconds=round(estimate, 1),
                limit_seconds=round(budget, 1),
            )


def _cleanup(picture: Picture, options: UpscaleOptions) -> int:
    """The strength 0-100: as asked, else what the file's JPEG tables tell."""
    if options.cleanup is not None:
        return options.cleanup
    return 0 if picture.jpeg_quality is None else 100 - picture.jpeg_quality
