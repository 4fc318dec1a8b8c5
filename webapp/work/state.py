"""The work that a tab waits for: begun, looked at, stopped."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from backend import SuperResolutionError
from backend.engine import Engine, Watch
from backend.errors import CancelledError
from backend.inference.estimate import encoding_seconds
from backend.options import UpscaleOptions
from webapp.base.errors import ConnectionLostError
from webapp.base.texts import Texts
from webapp.intake import state as intake
from webapp.intake.pictures import InputFile, Inspection
from webapp.options.state import resolve
from webapp.shared import Page, Shared
from webapp.tabs import Result, Tab
from webapp.work.comparison import compare_engines
from webapp.work.enhance import EnhanceRequest, Place, enhance, is_kept_lossless
from webapp.work.jobs import Job, Jobs, Phase
from webapp.work.progress import Estimate

SHORT_WAIT_SECONDS = 0.4
"""The time in which a small picture is ready, so that no progress bar has to be shown."""

Marks = Mapping[EnhanceRequest, tuple[Phase, int]]
"""The phase of each job, and the steps that are done."""


def result(shared: Shared, tab: Tab, picture: InputFile, request: EnhanceRequest) -> Result | None:
    """Return what was made of a picture, if it is there."""
    return intake.owner(shared, tab, picture).result(request)


def shown_result(page: Page, picture: InputFile | None) -> Result | None:
    """Return the newest result of the picture, which stays until the next one is there."""
    shown = page.tab.shown
    if picture is None or shown is None or shown.digest != picture.digest:
        return None
    return result(page.shared, page.tab, picture, shown)


def estimate(shared: Shared, size: tuple[int, int], request: EnhanceRequest) -> Estimate:
    """Return what an upright input of (width, height) is expected to take where it is wanted."""
    pixels = size[0] * size[1] * request.options.scale**2
    work = 0.0
    if request.place is not Place.CLOUD:
        local = shared.engine.estimated_seconds(size, request.options)
        work = max(0.0, local - encoding_seconds(pixels))  # which is a part of the saving
    if request.place is not Place.LOCAL and shared.cloud is not None:
        work = max(work, shared.cloud.estimated_seconds(size, request.options))
    saving = shared.saving.seconds(pixels, is_lossless=is_kept_lossless(pixels))
    return Estimate(work=work, saving=saving)


def needs_a_press(shared: Shared, size: tuple[int, int], request: EnhanceRequest) -> bool:
    """Return whether the visitor has to ask for the work: it sends the picture, or is long.

    Results of the samples are made anyway, however long that takes.
    """
    if request in shared.samples.jobs:
        return False
    is_long = estimate(shared, size, request).total > shared.settings.ask_seconds
    return is_long or request.place is not Place.LOCAL


def check(shared: Shared, picture: InputFile, *, place: Place) -> None:
    """Raise SuperResolutionError for a readable picture that cannot be sent there."""
    if place is not Place.LOCAL and shared.cloud is not None:
        shared.cloud.check(picture.file.read())


def collect(tab: Tab) -> dict[EnhanceRequest, Job]:
    """Take note of the tab's jobs that ended; return those that are still under way.

    Call it once for each time that the page is drawn: a job that ends meanwhile is under way for
    all parts of the page, and those that watch it draw the page again.
    """
    under_way = {request: running_job(tab, request) for request in list(tab.jobs)}
    return {request: job for request, job in under_way.items() if job is not None}


def running_job(tab: Tab, request: EnhanceRequest) -> Job | None:
    """Return the job that the tab waits for; one that ended leaves its error, if any."""
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


def start(shared: Shared, tab: Tab, picture: InputFile, request: EnhanceRequest) -> None:
    """Queue the work unless its result is there; a full queue is an error of the request."""
    tab.errors.pop(request, None)
    if request in tab.jobs or result(shared, tab, picture, request) is not None:
        return
    owner = intake.owner(shared, tab, picture)
    inspection = intake.inspect(shared, tab, picture)
    work = partial(_work, shared, owner, picture, inspection, request)
    try:
        job = _queue(shared, request).submit((owner.token, request), work, visitor=tab.token)
    except SuperResolutionError as exc:
        tab.errors[request] = exc
    else:
        tab.jobs[request] = job


def start_and_wait(page: Page, picture: InputFile, request: EnhanceRequest) -> None:
    """Queue the work and wait a moment for it; the page is drawn again after that."""
    page.tab.asks_to_stop = False
    start(page.shared, page.tab, picture, request)
    job = page.tab.jobs.get(request)
    if job is not None and not job.wait(SHORT_WAIT_SECONDS):
        page.tab.asked.add(request)


def _work(
    shared: Shared,
    owner: Tab,
    picture: InputFile,
    inspection: Inspection,
    request: EnhanceRequest,
    watch: Watch,
) -> None:
    """Make and keep one result; runs in a job's thread."""
    finishing_since = time.monotonic()

    def finishing() -> None:
        nonlocal finishing_since
        finishing_since = time.monotonic()
        watch.on_finishing()

    followed = replace(watch, on_finishing=finishing)
    made = _enhance(shared, picture, inspection, request, followed)
    width, height = inspection.size
    pixels = width * height * request.options.scale**2
    shared.saving.learn(
        pixels=pixels,
        seconds=time.monotonic() - finishing_since,
        is_lossless=is_kept_lossless(pixels),
    )
    owner.keep(request, made)


def _enhance(
    shared: Shared,
    picture: InputFile,
    inspection: Inspection,
    request: EnhanceRequest,
    watch: Watch,
) -> Result:
    data = picture.file.read()
    engine: Engine = shared.engine
    if request.place is not Place.LOCAL:
        if shared.cloud is None:
            raise SuperResolutionError("There is no endpoint.")
        if request.place is Place.BOTH:
            return compare_engines(
                data,
                request,
                inspection,
                engine=shared.engine,
                cloud=shared.cloud,
                disk=shared.disk,
                watch=watch,
            )
        engine = shared.cloud
    return enhance(data, request, inspection, engine=engine, disk=shared.disk, watch=watch)


def _queue(shared: Shared, request: EnhanceRequest) -> Jobs:
    return shared.jobs if request.place is Place.LOCAL else shared.cloud_jobs


def release(shared: Shared, tab: Tab, request: EnhanceRequest) -> None:
    """Wait no longer; the job itself stops when nobody else waits for it."""
    job = tab.jobs.pop(request, None)
    if job is not None:
        _queue(shared, request).release(job, visitor=tab.token)


def stop(page: Page, request: EnhanceRequest) -> None:
    """End the job, and do not begin it again before the visitor asks for it."""
    page.tab.asks_to_stop = False
    release(page.shared, page.tab, request)
    page.tab.errors[request] = CancelledError()


def ask_to_stop(tab: Tab, asks: bool) -> None:
    """Show the question, or take it back."""
    tab.asks_to_stop = asks


@dataclass(frozen=True, kw_only=True)
class Bulk:
    """The visitor's pictures with the present choices."""

    pending: dict[InputFile, EnhanceRequest]
    """Those that could be enhanced and were not asked for."""
    seconds: float
    """What they are expected to take together."""
    running: tuple[EnhanceRequest, ...]
    done: int
    """Pictures that have a result, with these choices or others."""


def plan_bulk(
    page: Page, jobs: Mapping[EnhanceRequest, Job], choices: UpscaleOptions, place: Place
) -> Bulk:
    """Find what there is to do for all own pictures."""
    tab, shared = page.tab, page.shared
    pending: dict[InputFile, EnhanceRequest] = {}
    seconds = 0.0
    for digest, picture in tab.pictures.items():
        inspection = tab.inspections.get(digest)
        if not isinstance(inspection, Inspection):
            continue
        options = resolve(shared, choices, inspection)
        request = EnhanceRequest(digest=digest, options=options, place=place)
        if request in tab.errors or request in jobs:
            continue
        if result(shared, tab, picture, request) is not None:
            continue
        pending[picture] = request
        seconds += estimate(shared, inspection.size, request).total
    own = set(tab.pictures)
    return Bulk(
        pending=pending,
        seconds=seconds,
        running=tuple(request for request in jobs if request.digest in own),
        done=len({request.digest for request in tab.results()} & own),
    )


def start_all(page: Page, bulk: Bulk) -> None:
    """Queue everything that is pending."""
    for picture, request in bulk.pending.items():
        start(page.shared, page.tab, picture, request)


def describe_own(
    tab: Tab, jobs: Mapping[EnhanceRequest, Job], *, t: Texts
) -> dict[str, tuple[str, str]]:
    """Return (mark, words) of each own picture that is or was worked on."""
    described = {request.digest: ("!", t("own.failed")) for request in list(tab.errors)}
    for request in tab.results():
        described[request.digest] = ("✓", t("own.done"))
    for digest, inspection in tab.inspections.items():
        if isinstance(inspection, SuperResolutionError):
            described[digest] = ("!", t("own.refused"))
    for request, job in jobs.items():
        # The bar says more about the picture on the page, and says it more often.
        is_current = request.digest == tab.current
        described[request.digest] = ("…", t("enhance.running")) if is_current else _mark(job, t)
    return described


def _mark(job: Job, t: Texts) -> tuple[str, str]:
    """Return a few characters for what a job is doing, and the words for them."""
    state = job.state
    if state.phase is Phase.WAITING:
        return "…", t("own.waiting")
    percent = round(100 * state.done / state.total) if state.total else 0
    text = t("own.percent", percent=percent)
    return text, text


def other_jobs(
    tab: Tab, jobs: Mapping[EnhanceRequest, Job], request: EnhanceRequest | None
) -> dict[EnhanceRequest, Job]:
    """Return the jobs for other pictures or choices; new ones in addition to `jobs`."""
    return {key: job for key, job in {**tab.jobs, **jobs}.items() if key != request}


def job_marks(jobs: Mapping[EnhanceRequest, Job]) -> Marks:
    """Return what is drawn of jobs: a page that shows other marks has to be drawn again."""
    states = {request: job.state for request, job in jobs.items()}
    return {request: (state.phase, state.done) for request, state in states.items()}
