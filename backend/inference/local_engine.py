"""The engine of this process: networks that are loaded once and shared by all threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial

from backend.engine import Upscaled, Watch
from backend.errors import DeadlineError, PayloadTooLargeError
from backend.images.metadata import DPI
from backend.images.picture import Decode, Picture, check_output_size, encode, output_format
from backend.images.resize import reduced, resized
from backend.inference.allocator import give_back_memory, keep_freed_memory
from backend.inference.estimate import Estimator
from backend.inference.pixel_budget import PixelBudget
from backend.inference.plan import Plan, check_passes, make_plan, plan_passes
from backend.inference.scheduler import Scheduler, Work
from backend.inference.session_cache import Sessions
from backend.inference.upscaler import Session, Upscaler
from backend.models.manifest import ModelSpec
from backend.models.registry import PHOTOGRAPHS, PIXELS, QUICK, Registry
from backend.options import AUTO, UpscaleOptions
from backend.settings import Settings

MAX_DECODING = 2
"""Pictures decoded at a time if only one tile runs at a time."""
FIRST_LOOK_SIDE = 1280
"""Longest side that a first look needs, in pixels."""
NEARLY = 0.8
"""The share of that side that a smaller scale may reach, in half the time."""

STAGES = ("waiting", "decoding", "network", "encoding")


class LocalEngine:
    """An `Engine`; made once a process.

    Pictures take turns at the networks tile by tile, see `Scheduler`. Together they and their
    results have no more pixels than the largest allowed result.
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
        """Run at most `max_networks` tiles at a time; None means `settings.max_running`."""
        keep_freed_memory()  # must precede the start of other threads
        self.registry = registry
        self._decode = decode
        self._decoding = threading.BoundedSemaphore(max(MAX_DECODING, settings.max_running))
        self.settings = settings
        self._scheduler = Scheduler(
            max_running=max_networks or settings.max_running,
            max_works=settings.max_running + settings.max_queued,
        )
        self._pixels = PixelBudget(settings.max_output_pixels)
        self._sessions = Sessions(open_session)
        self._estimator = Estimator(cores=cores or settings.threads)

    @property
    def models(self) -> Mapping[str, Sequence[int]]:
        models = self.registry.models
        default = self.settings.model
        return {default: models[default], **models} if default in models else models

    @property
    def details(self) -> Mapping[str, int]:
        return self.registry.details

    @property
    def load(self) -> tuple[int, int]:
        """The pictures in hand: (those that can run at once, the others)."""
        works = self._scheduler.works
        running = min(works, self.settings.max_running)
        return running, works - running

    @property
    def seconds_until_free(self) -> float:
        """The time until the first picture in hand is expected to be done."""
        return self._scheduler.seconds_until_free

    def session(self, *, model: str | None, scale: int) -> Session:
        """Return the network, loaded on first use and kept; raise ModelError if it cannot be."""
        return self._sessions.get(self._find(UpscaleOptions(model=model, scale=scale)))

    def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:
        """See `Engine`; raise ImageTooLargeError for a result beyond the engine's bounds."""
        self._check(options)
        name = self._name(options)
        plan = plan_passes(
            size, options, self.registry, model=PHOTOGRAPHS if name == AUTO else name, cleanup=0
        )
        check_passes(plan, max_pixels=self.settings.max_output_pixels)
        return self._estimate(plan)

    def upscale(self, data: bytes, options: UpscaleOptions, *, watch: Watch = Watch()) -> Upscaled:
        self._check(options)
        with self._in_hand(data, watch) as job:
            return self._upscale(job, options)

    def first_look(
        self,
        data: bytes,
        options: UpscaleOptions,
        *,
        longest_side: int = FIRST_LOOK_SIDE,
        watch: Watch = Watch(),
    ) -> Upscaled:
        """Return a quick, whole view of the result, before any later tile of anyone.

        The fastest tier makes it. It may be smaller than the result, in the same proportions, if
        that is enough for `longest_side`.
        """
        self._check(options)
        with self._in_hand(data, watch, is_first_look=True) as job:
            return self._upscale(job, self._become_look(job, options, longest_side))

    def _become_look(self, job: _Job, options: UpscaleOptions, longest_side: int) -> UpscaleOptions:
        """Reduce the picture to what a first look needs, and return the look's own options."""
        picture = job.picture
        small = reduced(picture, longest_side=longest_side)
        plan = self._plan(picture, options)
        quick = PIXELS if plan.model == PIXELS else QUICK
        scales = self.registry.models.get(quick, [plan.passes[0].spec.scale])
        wanted = min(NEARLY * longest_side, max(plan.size))
        longest = max(picture.size)
        job.become(small)
        return UpscaleOptions(
            scale=next((each for each in scales if longest * each >= wanted), scales[-1]),
            model=quick if quick in self.registry.models else plan.model,
            cleanup=options.cleanup if small is picture else 0,
            format=options.format,
            quality=options.quality,
        )

    def expect_first_look(self, visitor: Hashable) -> None:
        """Hold back the tiles of others for a moment, in which a visitor's picture is opened."""
        self._scheduler.expect_first_look(visitor)

    @contextmanager
    def _in_hand(self, data: bytes, watch: Watch, *, is_first_look: bool = False) -> Iterator[_Job]:
        if len(data) > self.settings.max_image_bytes:
            raise PayloadTooLargeError.over(self.settings.max_image_bytes, what="picture")
        try:
            with self._scheduler.work(watch, is_first_look=is_first_look) as work:
                yield _Job(work, lambda: self._decoded(data))
        finally:
            give_back_memory()

    def _decoded(self, data: bytes) -> Picture:
        with self._decoding:
            return self._decode(data, max_side=self.settings.max_side)

    def _upscale(self, job: _Job, options: UpscaleOptions) -> Upscaled:
        plan = self._plan(job.picture, options)
        file_format = output_format(job.picture, options.format)
        check_passes(plan, max_pixels=self.settings.max_output_pixels)
        check_output_size(*plan.size, format=file_format)
        self._expect(plan, job.work)
        upscalers = [self._upscaler(each.spec, job.work) for each in plan.passes]
        lr_size, notes = job.picture.size, job.picture.notes
        job.end("decoding")
        watch, is_first_look = job.work.watch, job.work.is_first_look
        with self._pixels.hold(plan.pixels, watch, is_first_look=is_first_look, on_wait=job.forget):
            job.end("waiting")
            sr = self._run(plan, upscalers, job)
            watch.on_finishing()
            job.end("network")
            data = _encoded(sr, plan, options, format=file_format)
        job.end("encoding")
        stages = job.stages
        return Upscaled(
            data=data,
            width=plan.size[0],
            height=plan.size[1],
            format=file_format,
            model=plan.model,
            scale=plan.scale,
            cleanup=plan.passes[0].cleanup,
            detail=plan.passes[0].spec.detail,
            notes=notes,
            lr_size=lr_size,
            seconds=sum(stages.values()) - stages["waiting"],
            stages={stage: round(seconds, 4) for stage, seconds in stages.items()},
        )

    def _run(self, plan: Plan, upscalers: Sequence[Upscaler], job: _Job) -> Picture:
        """Return the last pass's result; pieces are its alone, progress counts all passes."""
        picture, work = job.picture, job.work
        planes = 1 if picture.alpha is None else 2  # transparency is a picture of its own
        passes = list(zip(plan.passes, upscalers, strict=True))
        counts = [planes * upscaler.count(each.lr_size) for each, upscaler in passes]
        silent = replace(work.watch, on_piece=Watch().on_piece, next_piece=Watch().next_piece)
        for number, (each, upscaler) in enumerate(passes):
            watch = work.watch if number == len(passes) - 1 else silent
            progress = partial(_tell_progress, work, before=sum(counts[:number]), total=sum(counts))
            worked = work.worked
            # A first look's tiles are not interrupted: each may take as long as the look.
            with work.turn() if work.is_first_look else nullcontext():
                picture = upscaler.upscale(
                    picture,
                    cleanup_level=each.cleanup / 100,
                    watch=replace(watch, on_progress=progress),
                )
            seconds = work.worked - worked
            self._estimator.learn(each.spec, pixels=planes * each.pixels, seconds=seconds)
        return picture

    def _upscaler(self, spec: ModelSpec, work: Work) -> Upscaler:
        session = self._sessions.get(spec)
        turn = nullcontext if work.is_first_look else work.turn
        return Upscaler(session, tile_size=self.settings.tile_size, turn=turn)

    def _name(self, options: UpscaleOptions) -> str:
        return options.model or self.settings.model

    def _find(self, options: UpscaleOptions) -> ModelSpec:
        found = self.registry.find(name=self._name(options), scale=options.scale)
        return found.with_detail(options.detail)

    def _check(self, options: UpscaleOptions) -> None:
        """Raise the errors that can be known without the picture."""
        if options.size is not None:  # any scale of the model will do
            scales = self.registry.models.get(self._name(options), [options.scale])
            options = replace(options, scale=scales[0])
        self._find(options)

    def _plan(self, picture: Picture, options: UpscaleOptions) -> Plan:
        return make_plan(picture, options, self.registry, model=self._name(options))

    def _estimate(self, plan: Plan) -> float:
        return sum(self._estimator.seconds(each.spec, pixels=each.pixels) for each in plan.passes)

    def _expect(self, plan: Plan, work: Work) -> None:
        """Raise DeadlineError if there is no time for the plan."""
        estimate = self._estimate(plan)
        budget = max(0.0, work.watch.seconds_left())
        if self.settings.time_budget_seconds is not None:
            budget = min(budget, self.settings.time_budget_seconds)
        if estimate > budget:
            raise DeadlineError(
                f"This would take about {estimate:.0f} seconds and the limit is {budget:.0f}; send "
                "a smaller picture or choose a faster model.",
                estimated_seconds=round(estimate, 1),
                limit_seconds=round(budget, 1),
            )
        work.seconds = estimate


def _tell_progress(work: Work, done: int, _total: int, *, before: int, total: int) -> None:
    """Tell the caller and the scheduler of a pass's progress."""
    work.share_left = 1 - (before + done) / total
    work.watch.on_progress(before + done, total)


def _encoded(sr: Picture, plan: Plan, options: UpscaleOptions, *, format: str) -> bytes:
    """Write a file of the exact size that was asked for."""
    sr, keep = resized(sr, plan.size, has_hard_pixels=plan.model == PIXELS), options.keep
    if plan.dpi is not None:
        sr, keep = replace(sr, dpi=(plan.dpi, plan.dpi)), (*keep, DPI)
    return encode(sr, format=format, quality=options.quality, keep=keep)


class _Job:
    """A picture in hand, which may be forgotten, and is decoded again when needed."""

    def __init__(self, work: Work, decode: Callable[[], Picture]) -> None:
        self.work = work
        self._decode = decode
        self._picture: Picture | None = None
        self._at = time.perf_counter()
        self._seconds: dict[str, float] = dict.fromkeys(STAGES, 0.0)

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

    def end(self, stage: str) -> None:
        """Note how long a stage took."""
        now = time.perf_counter()
        self._seconds[stage], self._at = now - self._at, now

    @property
    def stages(self) -> dict[str, float]:
        """The seconds of each stage; those of tiles that wait for a turn are seconds of waiting."""
        waited = self.work.waited
        network = self._seconds["network"] - waited
        return self._seconds | {"waiting": self._seconds["waiting"] + waited, "network": network}
