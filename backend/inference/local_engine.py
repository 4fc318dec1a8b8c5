"""The engine of this process: networks that are loaded once and shared by all threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from backend.engine import Box, Upscaled, Watch
from backend.errors import DeadlineError, ImageTooLargeError, PayloadTooLargeError
from backend.images.jpeg_quality import cleanup_from_quality
from backend.images.photo_or_drawing import is_photograph
from backend.images.picture import (
    Decode,
    Picture,
    check_output_size,
    encode,
    output_format,
)
from backend.images.resize import reduced
from backend.inference.allocator import give_back_memory, keep_freed_memory
from backend.inference.estimate import Estimator
from backend.inference.pixel_budget import PixelBudget
from backend.inference.scheduler import Scheduler, Work
from backend.inference.session_cache import Sessions
from backend.inference.upscaler import Session, Upscaler
from backend.models.manifest import OTHER_PICTURES, PHOTOGRAPHS, QUICK, ModelSpec, Registry
from backend.options import AUTO, UpscaleOptions
from backend.settings import Settings

MAX_DECODING = 2
"""Pictures decoded at a time where only one tile runs at a time."""
FIRST_LOOK_SIDE = 1280
"""Longest side that a first look needs, in pixels."""


class LocalEngine:
    """An `Engine`; made once a process.

    Pictures in hand take turns at the networks tile by tile, see `Scheduler`. Together they and
    their results have no more pixels than the largest result may have.
    """

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
        """At most `max_networks` tiles run at a time; None means `settings.max_running`."""
        keep_freed_memory()  # before threads take part in memory of their own
        self._registry = registry
        self._decode = decode
        self._decoding = threading.BoundedSemaphore(max(MAX_DECODING, settings.max_running))
        self._settings = settings
        self._scheduler = Scheduler(
            max_running=max_networks or settings.max_running,
            max_works=settings.max_running + settings.max_queued,
        )
        self._pixels = PixelBudget(settings.max_output_pixels)
        self._sessions = Sessions(open_session)
        self._estimator = Estimator(cores=cores or settings.threads)

    @property
    def registry(self) -> Registry:
        """The networks that requests may name."""
        return self._registry

    @property
    def settings(self) -> Settings:
        """The settings as read at the entry point."""
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
        """The pictures in hand just now: (those that could run at once, the others)."""
        works = self._scheduler.works
        running = min(works, self._settings.max_running)
        return running, works - running

    @property
    def seconds_until_free(self) -> float:
        """The time until the first picture in hand is expected to be done."""
        return self._scheduler.seconds_until_free

    def session(self, *, model: str | None, scale: int) -> Session:
        """Return the network, loaded on first use and kept; raise ModelError if it cannot be."""
        return self._sessions.get(self._find(UpscaleOptions(model=model, scale=scale)))

    def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:
        """See `Engine`."""
        spec = self._find(options)
        return self._estimator.seconds(spec, pixels=size[0] * size[1])

    def upscale(self, data: bytes, options: UpscaleOptions, *, watch: Watch = Watch()) -> Upscaled:
        """See `Engine`."""
        self._find(options)
        with self._in_hand(data, watch) as (work, source):
            return self._upscale(source, options, work)

    def first_look(
        self,
        data: bytes,
        options: UpscaleOptions,
        *,
        longest_side: int = FIRST_LOOK_SIDE,
        watch: Watch = Watch(),
    ) -> Upscaled:
        """Return a quick, whole view of the result, before any later tile of anyone.

        The quickest tier makes it. Its size is at most the result's; it is less, in the same
        proportions, where that is enough for `longest_side`.
        """
        self._find(options)
        with self._in_hand(data, watch, is_first_look=True) as (work, source):
            picture = source.picture
            longest = max(picture.size)
            scales = self._registry.models.get(QUICK, [])
            if scales:
                wanted = min(longest_side, longest * options.scale)
                scale = next((each for each in scales if longest * each >= wanted), scales[-1])
                options = replace(options, model=QUICK, scale=scale, detail=None)
            small = reduced(picture, longest_side=longest_side)
            cleanup = _cleanup(options, picture) if small is picture else 0
            source.become(small)
            return self._upscale(source, replace(options, cleanup=cleanup), work)

    def upscale_part(
        self, picture: Picture, options: UpscaleOptions, box: Box, *, watch: Watch = Watch()
    ) -> Picture:
        """Return what is inside the box, with the pixels that it has in the whole result.

        It takes turns and is refused for its time as `upscale` is; `options.format` and
        `options.quality` say nothing here.
        """
        left, top, right, bottom = box
        pixels = (right - left) * (bottom - top)
        self._find(options)
        with self._scheduler.work(watch) as work:
            spec = self._choose(picture, options)
            self._expect(spec, pixels, work)
            session, cleanup = self._sessions.get(spec), _cleanup(options, picture)
            with self._pixels.hold(pixels * spec.scale**2, watch):
                return self._run(session, picture, cleanup, work, box=box)

    @contextmanager
    def _in_hand(
        self, data: bytes, watch: Watch, *, is_first_look: bool = False
    ) -> Iterator[tuple[Work, _Source]]:
        if len(data) > self._settings.max_image_bytes:
            raise PayloadTooLargeError.over(self._settings.max_image_bytes, what="picture")
        try:
            with self._scheduler.work(watch, is_first_look=is_first_look) as work:
                yield work, _Source(lambda: self._decoded(data))
        finally:
            give_back_memory()

    def _decoded(self, data: bytes) -> Picture:
        with self._decoding:
            return self._decode(data, max_side=self._settings.max_side)

    def _upscale(self, source: _Source, options: UpscaleOptions, work: Work) -> Upscaled:
        picture, watch = source.picture, work.watch
        spec = self._choose(picture, options)
        file_format = output_format(picture, options.format)
        cleanup, size = _cleanup(options, picture), picture.size
        pixels = size[0] * size[1]
        self._check_output(picture, spec, file_format)
        self._expect(spec, pixels, work)
        session, notes = self._sessions.get(spec), picture.notes
        del picture
        decoded = time.perf_counter()
        with self._pixels.hold(pixels * (1 + spec.scale**2), watch, on_wait=source.forget):
            held = time.perf_counter()
            sr = self._run(session, source.picture, cleanup, work)
            watch.on_finishing()
            encoding = time.perf_counter()
            encoded = encode(sr, format=file_format, quality=options.quality, keep=options.keep)
        finished = time.perf_counter()
        waited = held - decoded + work.waited
        return Upscaled(
            data=encoded,
            width=sr.size[0],
            height=sr.size[1],
            format=file_format,
            model=spec.name,
            scale=spec.scale,
            cleanup=cleanup,
            detail=spec.detail,
            notes=notes,
            lr_size=size,
            seconds=finished - source.began - waited,
            stages={
                "waiting": round(waited, 4),
                "decoding": round(decoded - source.began, 4),
                "network": round(encoding - held - work.waited, 4),
                "encoding": round(finished - encoding, 4),
            },
        )

    def _run(
        self,
        session: Session,
        picture: Picture,
        cleanup: int,
        work: Work,
        *,
        box: Box | None = None,
    ) -> Picture:
        def progress(done: int, total: int) -> None:
            work.finished(done / total)
            work.watch.on_progress(done, total)

        upscaler = Upscaler(session, tile_size=self._settings.tile_size, turn=work.turn)
        watch = replace(work.watch, on_progress=progress)
        sr = upscaler.upscale(picture, box=box, cleanup_level=cleanup / 100, watch=watch)
        self._estimator.learn(
            session.spec,
            pixels=sr.size[0] * sr.size[1] // session.spec.scale**2,
            seconds=work.worked,
        )
        return sr

    def _find(self, options: UpscaleOptions) -> ModelSpec:
        name = options.model or self._settings.model
        return self._registry.find(name=name, scale=options.scale).with_detail(options.detail)

    def _choose(self, picture: Picture, options: UpscaleOptions) -> ModelSpec:
        """Return the network; `auto` goes by the picture, and has `detail` for photographs only."""
        if (options.model or self._settings.model) != AUTO:
            return self._find(options)
        if is_photograph(picture.rgb):
            return self._find(replace(options, model=PHOTOGRAPHS))
        return self._find(replace(options, model=OTHER_PICTURES, detail=None))

    def _check_output(self, picture: Picture, spec: ModelSpec, format: str) -> None:
        width, height = (side * spec.scale for side in picture.size)
        if width * height > self._settings.max_output_pixels:
            raise ImageTooLargeError.output(width, height, because="; choose a smaller scale.")
        check_output_size(width, height, format=format)

    def _expect(self, spec: ModelSpec, pixels: int, work: Work) -> None:
        """Raise DeadlineError where there is no time for so many pixels of the input."""
        estimate = self._estimator.seconds(spec, pixels=pixels)
        budget = max(0.0, work.watch.seconds_left())
        if self._settings.time_budget_seconds is not None:
            budget = min(budget, self._settings.time_budget_seconds)
        if estimate > budget:
            raise DeadlineError.estimated(estimate, limit=budget)
        work.expect(estimate)


class _Source:
    """A decoded picture that may be forgotten, and is then decoded again when it is needed."""

    def __init__(self, decode: Callable[[], Picture]) -> None:
        self.began = time.perf_counter()
        self._decode = decode
        self._picture: Picture | None = None

    @property
    def picture(self) -> Picture:
        if self._picture is None:
            self._picture = self._decode()
        return self._picture

    def forget(self) -> None:
        self._picture = None

    def become(self, picture: Picture) -> None:
        """Go on with a small picture, which is kept."""
        self._picture, self._decode = picture, lambda: picture


def _cleanup(options: UpscaleOptions, picture: Picture) -> int:
    """Return 0-100, by the JPEG's own tables unless it was asked for."""
    if options.cleanup is None:
        return cleanup_from_quality(picture.jpeg_quality)
    return options.cleanup
