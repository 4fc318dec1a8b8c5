"""The engine of this process: networks that are loaded once and shared by all threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from backend.engine import Upscaled, Watch
from backend.errors import DeadlineError, ImageTooLargeError, PayloadTooLargeError
from backend.images.jpeg_quality import cleanup_from_quality
from backend.images.photo_or_drawing import is_photograph
from backend.images.picture import Decode, Picture, check_output_size, encode, output_format
from backend.inference.allocator import give_back_memory, keep_freed_memory
from backend.inference.estimate import Estimator
from backend.inference.gate import Allowance, Gate, Turn
from backend.inference.session_cache import Sessions
from backend.inference.tiles import Box
from backend.inference.upscaler import Session, Upscaler
from backend.models.manifest import OTHER_PICTURES, PHOTOGRAPHS, ModelSpec, Registry
from backend.options import AUTO, UpscaleOptions
from backend.settings import Settings


class LocalEngine:
    """An `Engine`; made once a process."""

    def __init__(
        self,
        *,
        registry: Registry,
        open_session: Callable[[ModelSpec], Session],
        decode: Decode,
        settings: Settings,
        cores: float | None = None,
        max_networks: int | None = None,
    ) -> None:
        """Of the pictures in hand, `max_networks` are in a network at a time; None is all of them.

        The others are decoded and encoded meanwhile. All results in the making together have no
        more pixels than the largest one may have.
        """
        keep_freed_memory()  # before threads take part in memory of their own
        self._registry = registry
        self._decode = decode
        self._settings = settings
        self._gate = Gate(max_running=settings.max_running, max_queued=settings.max_queued)
        self._output_pixels = Allowance(settings.max_output_pixels)
        self._networks = threading.BoundedSemaphore(max_networks or settings.max_running)
        self._sessions = Sessions(open_session)
        self._estimator = Estimator(cores=cores or settings.threads)

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
    def details(self) -> Mapping[str, int]:
        """See `Engine`."""
        return self._registry.details

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
        return self._sessions.get(self._find(UpscaleOptions(model=model, scale=scale)))

    def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:
        """See `Engine`."""
        spec = self._find(options)
        return self._estimator.seconds(spec, pixels=size[0] * size[1])

    def upscale(self, data: bytes, options: UpscaleOptions, *, watch: Watch = Watch()) -> Upscaled:
        """See `Engine`."""
        if len(data) > self._settings.max_image_bytes:
            raise PayloadTooLargeError.over(self._settings.max_image_bytes, what="picture")
        spec = self._find(options)
        arrived = time.perf_counter()
        try:
            return self._upscale(data, spec, options, watch, arrived=arrived)
        finally:
            give_back_memory()

    def upscale_part(
        self, picture: Picture, options: UpscaleOptions, box: Box, *, watch: Watch = Watch()
    ) -> Picture:
        """What is inside the box of a decoded picture, with the pixels that it has in the whole.

        It waits for its turn and is refused for its time as `upscale` is; `options.format` and
        `options.quality` say nothing here.
        """
        left, top, right, bottom = box
        pixels = (right - left) * (bottom - top)
        spec = self._find(options)
        with self._gate.turn(watch) as turn:
            if self._is_automatic(options):
                spec = self._choose(picture, options)
            self._expect(spec, pixels, turn, watch)
            session, cleanup = self._sessions.get(spec), _cleanup(options, picture)
            with self._output_pixels.hold(pixels * spec.scale**2, watch):
                return self._run(session, picture, cleanup, watch, box=box)

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
            if self._is_automatic(options):
                spec = self._choose(picture, options)
            file_format = output_format(picture, options.format)
            pixels = picture.size[0] * picture.size[1]
            self._check_output(picture, spec, file_format)
            self._expect(spec, pixels, turn, watch)
            session = self._sessions.get(spec)
            cleanup = _cleanup(options, picture)
            decoded = time.perf_counter()
            with self._output_pixels.hold(pixels * spec.scale**2, watch):
                sr = self._run(session, picture, cleanup, watch)
                watch.on_finishing()
                encoding = time.perf_counter()
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
                detail=spec.detail,
                lr_size=picture.size,
                seconds=finished - started,
                stages={
                    "waiting": round(started - arrived, 4),
                    "decoding": round(decoded - started, 4),
                    "network": round(encoding - decoded, 4),
                    "encoding": round(finished - encoding, 4),
                },
            )

    def _run(
        self,
        session: Session,
        picture: Picture,
        cleanup: int,
        watch: Watch,
        *,
        box: Box | None = None,
    ) -> Picture:
        upscaler = Upscaler(session, tile_size=self._settings.tile_size)
        with self._networks:
            started = time.perf_counter()
            sr = upscaler.upscale(picture, box=box, cleanup_level=cleanup / 100, watch=watch)
            self._estimator.learn(
                session.spec,
                pixels=sr.size[0] * sr.size[1] // session.spec.scale**2,
                seconds=time.perf_counter() - started,
            )
        return sr

    def _find(self, options: UpscaleOptions) -> ModelSpec:
        name = options.model or self._settings.model
        return self._registry.find(name=name, scale=options.scale).with_detail(options.detail)

    def _is_automatic(self, options: UpscaleOptions) -> bool:
        return (options.model or self._settings.model) == AUTO

    def _choose(self, picture: Picture, options: UpscaleOptions) -> ModelSpec:
        """What `auto` is for this picture; `detail` is for photographs only."""
        if is_photograph(picture.rgb):
            return self._find(replace(options, model=PHOTOGRAPHS))
        return self._find(replace(options, model=OTHER_PICTURES, detail=None))

    def _check_output(self, picture: Picture, spec: ModelSpec, format: str) -> None:
        width, height = (side * spec.scale for side in picture.size)
        if width * height > self._settings.max_output_pixels:
            raise ImageTooLargeError.output(width, height, because="; choose a smaller scale.")
        check_output_size(width, height, format=format)

    def _expect(self, spec: ModelSpec, pixels: int, turn: Turn, watch: Watch) -> None:
        """DeadlineError where there is no time for so many pixels of the input."""
        estimate = self._estimator.seconds(spec, pixels=pixels)
        budget = max(0.0, watch.seconds_left())
        if self._settings.time_budget_seconds is not None:
            budget = min(budget, self._settings.time_budget_seconds)
        if estimate > budget:
            raise DeadlineError.estimated(estimate, limit=budget)
        turn.expect(estimate)


def _cleanup(options: UpscaleOptions, picture: Picture) -> int:
    """0-100, by the JPEG's own tables unless it was asked for."""
    if options.cleanup is None:
        return cleanup_from_quality(picture.jpeg_quality)
    return options.cleanup
