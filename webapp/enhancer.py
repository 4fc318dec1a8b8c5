"""What the whole process shares: made once, from the settings, and handed to the page."""

from __future__ import annotations

import math
import os
import threading
import time
import weakref
from dataclasses import dataclass, replace
from functools import cache

from streamlit import runtime

from backend.engine import Box, Engine, Watch
from backend.errors import SuperResolutionError
from backend.factory import create_engine, decoder
from backend.images.picture import Decode
from backend.inference.estimate import encoding_seconds
from backend.inference.gate import Gate
from backend.inference.local_engine import LocalEngine
from backend.logs import write_logs
from backend.models.manifest import OTHER_PICTURES, PHOTOGRAPHS, ModelSpec
from backend.options import AUTO, UpscaleOptions, UpscaleRequest
from backend.requests.sources import AnySource
from webapp.base.errors import ConnectionLostError
from webapp.base.files import Disk
from webapp.client.remote import RemoteEngine
from webapp.cloud.comparison import compare_engines
from webapp.intake.large_picture import LargePicture, LargePreview, cut, decode_large
from webapp.intake.pictures import (
    InputFile,
    Inspection,
    image_from,
    inspect,
)
from webapp.intake.samples import Sample, samples
from webapp.result.downloads import Archive, Download, Downloads
from webapp.result.zoom import Details, box_from
from webapp.settings import PageSettings, page_settings
from webapp.tabs import Result, Tab, Tabs
from webapp.work.enhance import Enhanced, EnhanceRequest, Place, enhance, is_kept_lossless
from webapp.work.jobs import Job, Jobs, Phase
from webapp.work.progress import Estimate, SavingPace

DISK_BYTES = 8 * 2**30
"""All uploads and results together."""
MAX_CLOUD_JOBS = 4
"""At a time: they wait for an answer, so they leave those of this computer their places."""
MAX_QUEUED = 200
"""Jobs of all visitors together; a visitor in the queue keeps the place."""
MAX_INSPECTIONS = 64
SWEEP_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Enhancer:
    """The engines with their queues, the open tabs, and the disk for their files."""

    settings: PageSettings
    engine: LocalEngine
    cloud: RemoteEngine | None
    """The deployed endpoint, where one is configured."""
    source: AnySource
    decode: Decode
    """In a process of its own, which a hostile file can keep busy only so long."""
    jobs: Jobs
    cloud_jobs: Jobs
    disk: Disk
    tabs: Tabs
    downloads: Downloads
    details: Details
    saving: SavingPace
    samples: Tab
    """Their inspections and results, which all visitors share."""
    inspection_gate: Gate

    @property
    def places(self) -> tuple[Place, ...]:
        """What a visitor can choose from."""
        return (Place.LOCAL,) if self.cloud is None else tuple(Place)

    @property
    def choices(self) -> list[str]:
        """The tiers that a visitor chooses from: the default, then the others by what they cost."""
        default, *others = self.engine.models
        return [default, *sorted(others, key=self._cost)]

    def _cost(self, model: str) -> float:
        """What its largest scale takes; a network whose cost nobody knows comes last."""
        if model == AUTO:
            return 0
        scale = max(self.engine.models[model])
        spec = self.spec(model, scale)
        return math.inf if spec is None else spec.multiplications or math.inf

    def slowness(self, model: str, scale: int) -> float | None:
        """How many times the work of the tier for photographs it is; None where nobody knows."""
        specs = [self.spec(each, scale) for each in (model, PHOTOGRAPHS)]
        costs = [each.multiplications for each in specs if each and each.multiplications]
        return costs[0] / costs[1] if len(costs) == len(specs) else None

    def resolve(self, choices: UpscaleOptions, inspection: Inspection) -> UpscaleOptions:
        """What a visitor's choices are for this picture: `auto` becomes the tier that it chooses.

        So estimate, job and result are of the tier itself, and equal those of one who chose it.
        A tier with `detail` gets a number, and no other does.
        """
        model = choices.model
        if model == AUTO:
            model = automatic_tier(inspection)
        default = self.engine.details.get(model or "")
        is_chosen = default is not None and choices.detail is not None
        return replace(choices, model=model, detail=choices.detail if is_chosen else default)

    def owner(self, tab: Tab, picture: InputFile) -> Tab:
        """Whose results those of a picture are: samples belong to everyone."""
        return self.samples if picture.sample else tab

    def inspect(self, tab: Tab, picture: InputFile) -> Inspection:
        """Once a picture, one at a time in the whole process; raises what the engine would."""
        inspections = self.owner(tab, picture).inspections
        if picture.digest not in inspections:
            with self.inspection_gate.turn(Watch()):
                if picture.digest not in inspections:
                    try:
                        found: Inspection | SuperResolutionError = inspect(
                            picture,
                            decode=self.decode,
                            max_side=self.settings.max_side,
                            disk=self.disk,
                        )
                    except SuperResolutionError as exc:
                        found = exc
                    inspections[picture.digest] = found
        found = inspections[picture.digest]
        if isinstance(found, SuperResolutionError):
            raise found
        return found

    def check(self, picture: InputFile, *, place: Place) -> None:
        """SuperResolutionError for a readable picture that cannot be sent there."""
        if place is not Place.LOCAL and self.cloud is not None:
            self.cloud.check(picture.file.read())

    def result(self, tab: Tab, picture: InputFile, request: EnhanceRequest) -> Result | None:
        """What was made of a picture, if it is there."""
        return self.owner(tab, picture).result(request)

    def collect(self, tab: Tab) -> dict[EnhanceRequest, Job]:
        """Take note of the tab's jobs that ended; those that are still under way.

        Once for each time that the page is drawn: a job that ends meanwhile is under way for all
        parts of the page, and those that watch it draw the page again.
        """
        under_way = {request: self.job(tab, request) for request in list(tab.jobs)}
        return {request: job for request, job in under_way.items() if job is not None}

    def job(self, tab: Tab, request: EnhanceRequest) -> Job | None:
        """The job that the tab waits for; one that ended leaves its error, if any."""
        job = tab.jobs.get(request)
        if job is None:
            return None
        state = job.state
        if not state.phase.is_over:
            return job
        tab.jobs.pop(request, None)
        if state.error is not None:
            tab.errors[request] = state.error
        elif state.phase is Phase.CANCELLED:
            tab.errors[request] = ConnectionLostError()
        return None

    def start(self, tab: Tab, picture: InputFile, request: EnhanceRequest) -> None:
        """Queue the work unless its result is there; a full queue is an error of the request."""
        tab.errors.pop(request, None)
        if request in tab.jobs or self.result(tab, picture, request) is not None:
            return
        owner = self.owner(tab, picture)
        inspection = self.inspect(tab, picture)

        def work(watch: Watch) -> None:
            finishing_since = time.monotonic()

            def finishing() -> None:
                nonlocal finishing_since
                finishing_since = time.monotonic()
                watch.on_finishing()

            followed = replace(watch, on_finishing=finishing)
            result = self._enhance(picture, inspection, request, followed)
            width, height = inspection.size
            pixels = width * height * request.options.scale**2
            self.saving.learn(
                pixels=pixels,
                seconds=time.monotonic() - finishing_since,
                is_lossless=is_kept_lossless(pixels),
            )
            owner.keep(request, result)

        queue = self.jobs if request.place is Place.LOCAL else self.cloud_jobs
        key = (owner.token, request)
        try:
            tab.jobs[request] = queue.submit(key, work, visitor=tab.token)
        except SuperResolutionError as exc:
            tab.errors[request] = exc

    def stop(self, tab: Tab, request: EnhanceRequest) -> None:
        """Wait no longer; the job itself stops when nobody else waits for it."""
        job = tab.jobs.pop(request, None)
        if job is not None:
            queue = self.jobs if request.place is Place.LOCAL else self.cloud_jobs
            queue.release(job, visitor=tab.token)

    def estimate(self, size: tuple[int, int], request: EnhanceRequest) -> Estimate:
        """What an upright input of (width, height) is expected to take where it is wanted."""
        pixels = size[0] * size[1] * request.options.scale**2
        work = 0.0
        if request.place is not Place.CLOUD:
            local = self.engine.estimated_seconds(size, request.options)
            work = max(0.0, local - encoding_seconds(pixels))  # which is a part of the saving
        if request.place is not Place.LOCAL and self.cloud is not None:
            work = max(work, self.cloud.estimated_seconds(size, request.options))
        saving = self.saving.seconds(pixels, is_lossless=is_kept_lossless(pixels))
        return Estimate(work=work, saving=saving)

    def needs_a_press(self, size: tuple[int, int], request: EnhanceRequest) -> bool:
        """Return whether the visitor has to ask for the work: it sends the picture, or is long.

        Results of the samples are made anyway, however long that takes.
        """
        if request in self.samples.jobs:
            return False
        is_long = self.estimate(size, request).total > self.settings.ask_seconds
        return is_long or request.place is not Place.LOCAL

    def download(self, tab: Tab, picture: InputFile, result: Enhanced) -> Download:
        """The address of a result for this tab, opened once."""
        key = id(result)
        if key not in tab.downloads:
            download = Download(
                name=picture.name,
                scale=result.upscaled.scale,
                result=result,
                disk=self.disk,
                original=lambda: image_from(
                    self.decode(picture.file.read(), max_side=self.settings.max_side)
                ),
                kept=self.inspect(tab, picture).kept,
            )
            self.downloads.add(download)
            weakref.finalize(download, self.details.forget, download.secret)
            tab.downloads[key] = download
        return tab.downloads[key]

    def detail(self, download: Download, name: str, column: int, row: int) -> bytes:
        """A piece of the result or, named `before`, what it was made from; SuperResolutionError."""
        scale = download.scale if name == "before" else 1
        return self.details.piece(
            (download.secret, name),
            box_from(column, row, scale=scale),
            decode=lambda: download.picture(name),
        )

    def archive(self, tab: Tab) -> Archive:
        """The address of all results of a tab's own pictures, opened once."""
        if tab.archive is None:

            def downloads() -> list[Download]:
                # The newest of each picture.
                newest = {request.digest: result for request, result in tab.results().items()}
                return [
                    self.download(tab, tab.pictures[digest], result)
                    for digest, result in newest.items()
                    if digest in tab.pictures and isinstance(result, Enhanced)
                ]

            tab.archive = Archive(downloads=downloads)
            self.downloads.add_archive(tab.archive)
        return tab.archive

    def spec(self, model: str, scale: int) -> ModelSpec | None:
        """What is known of a network of this process; None for `auto`."""
        specs = self.engine.registry.specs
        return next((each for each in specs if (each.name, each.scale) == (model, scale)), None)

    def large_preview(self, tab: Tab, picture: InputFile) -> LargePreview:
        """Of a picture with more pixels than the engine takes; raises what decoding does."""
        return self._large(tab, picture).preview()

    def fit(self, tab: Tab, picture: InputFile, box: Box | None) -> None:
        """Go on with the part of a too large picture inside the box, or with all of it shrunk."""
        if box is None:
            fitted, inspection = self._large(tab, picture).shrunk()
            tab.inspections[fitted.digest] = inspection
        else:
            with self.inspection_gate.turn(Watch()):
                decoded = decode_large(picture, decode=self.decode)
                fitted = cut(picture, decoded, box, disk=self.disk)
        tab.remove(picture.digest)
        tab.add(fitted)

    def _large(self, tab: Tab, picture: InputFile) -> LargePicture:
        large = tab.large_pictures.get(picture.digest)
        if large is None or large.has_failed:
            large = tab.large_pictures[picture.digest] = LargePicture(
                picture,
                decode=self.decode,
                max_side=self.settings.max_side,
                disk=self.disk,
                gate=self.inspection_gate,
            )
        return large

    def fetch(self, url: str) -> bytes:
        """The file behind a link; SourceError and others say what is wrong."""
        request = UpscaleRequest(url=url, options=UpscaleOptions())
        return self.source.read(request, max_bytes=self.settings.max_image_bytes)

    def sample_picture(self, sample: Sample) -> InputFile:
        """A sample as a visitor's picture."""
        return InputFile(name=sample.file, digest=sample.digest, file=sample, sample=sample.file)

    def _enhance(
        self, picture: InputFile, inspection: Inspection, request: EnhanceRequest, watch: Watch
    ) -> Result:
        data = picture.file.read()
        engine: Engine = self.engine
        if request.place is not Place.LOCAL:
            if self.cloud is None:
                raise SuperResolutionError("There is no endpoint.")
            if request.place is Place.BOTH:
                return compare_engines(
                    data,
                    request,
                    inspection,
                    engine=self.engine,
                    cloud=self.cloud,
                    disk=self.disk,
                    watch=watch,
                )
            engine = self.cloud
        return enhance(data, request, inspection, engine=engine, disk=self.disk, watch=watch)


def automatic_tier(inspection: Inspection) -> str:
    """What the engine's `auto` chooses, which looks at the same pixels."""
    return PHOTOGRAPHS if inspection.is_photograph else OTHER_PICTURES


@cache
def shared_enhancer() -> Enhancer:
    """The process's one; SettingsError or ModelError when it cannot be made."""
    settings = page_settings(os.environ)
    write_logs(settings)
    engine = create_engine(settings)
    endpoint = settings.endpoint
    cloud = None
    if endpoint is not None:
        # What the endpoint has is known only by asking, so it is asked for the same networks.
        cloud = RemoteEngine(
            endpoint,
            models=engine.models,
            details=engine.details,
            max_side=settings.max_side,
        )
    return create_enhancer(settings, engine=engine, cloud=cloud)


def create_enhancer(
    settings: PageSettings, *, engine: LocalEngine, cloud: RemoteEngine | None = None
) -> Enhancer:
    """Nothing runs yet."""
    tabs = Tabs(is_connected=is_connected)
    own = Tab()

    def is_present(token: str) -> bool:
        return token == own.token or tabs.is_open(token)

    disk = Disk(max_bytes=DISK_BYTES)
    return Enhancer(
        settings=settings,
        engine=engine,
        cloud=cloud,
        source=AnySource(settings),
        decode=decoder(),
        jobs=Jobs(max_running=settings.max_running, max_queued=MAX_QUEUED, is_present=is_present),
        cloud_jobs=Jobs(max_running=MAX_CLOUD_JOBS, max_queued=MAX_QUEUED, is_present=is_present),
        disk=disk,
        tabs=tabs,
        downloads=Downloads(),
        details=Details(disk),
        saving=SavingPace(),
        samples=own,
        inspection_gate=Gate(max_running=1, max_queued=MAX_INSPECTIONS),
    )


def is_connected(session_id: str) -> bool:
    """Whether Streamlit's session has an open connection; may be asked in any thread."""
    return runtime.exists() and runtime.get_instance().is_active_session(session_id)


def prepare_samples(enhancer: Enhancer) -> None:
    """Queue the samples' results with the first choices, so that each is there before a click."""
    model = next(iter(enhancer.engine.models))
    choices = UpscaleOptions(scale=max(enhancer.engine.models[model]), model=model)
    for sample in samples().values():
        picture = enhancer.sample_picture(sample)
        options = enhancer.resolve(choices, enhancer.inspect(enhancer.samples, picture))
        request = EnhanceRequest(digest=picture.digest, options=options)
        enhancer.start(enhancer.samples, picture, request)


def sweep_forever(enhancer: Enhancer, stop: threading.Event) -> None:
    """Delete what closed tabs leave behind, until the server stops."""
    while not stop.wait(SWEEP_SECONDS):
        enhancer.tabs.sweep()
