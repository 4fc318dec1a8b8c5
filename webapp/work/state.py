"""The work that a tab waits for: started, watched, stopped."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from backend import SuperResolutionError
from backend.engine import Watch
from backend.errors import CancelledError
from webapp.base.errors import ConnectionLostError
from webapp.intake import state as intake
from webapp.intake.pictures import InputFile, Inspection
from webapp.options.state import result_size
from webapp.shared import Page, Shared
from webapp.tabs import Result, Tab
from webapp.work import expectations
from webapp.work.enhance import EnhanceRequest, Place, engine_options
from webapp.work.jobs import Job, Phase
from webapp.work.live import Live
from webapp.work.task import Task

SHORT_WAIT_SECONDS = 0.4
"""Seconds within which a small picture is ready, without a progress bar."""

LOOK_FROM_SECONDS = 1.0
"""Expected seconds from which a first look pays off."""
LOOK_SIDE, LOOK_QUALITY = 960, 85
"""Pixels of the longer side, about a stage's, and WebP's quality."""


def result(shared: Shared, tab: Tab, picture: InputFile, request: EnhanceRequest) -> Result | None:
    return intake.owner(shared, tab, picture).result(request)


def shown_result(page: Page, picture: InputFile) -> Result | None:
    """Return the newest result of the picture, which stays until the next one is there."""
    shown = page.tab.shown
    if shown is None or shown.digest != picture.digest:
        return None
    return result(page.shared, page.tab, picture, shown)


def check(shared: Shared, picture: InputFile, *, place: Place) -> None:
    """Raise SuperResolutionError if a readable picture cannot be sent there."""
    if place is not Place.LOCAL and shared.cloud is not None:
        shared.cloud.check(picture.file.read())


def collect(page: Page) -> None:
    """Collect the tab's jobs that ended; the others are `running` for all of the page.

    One that ends later draws the page again, since those that watch it listen for that.
    """
    under_way = {request: running_job(page.tab, request) for request in list(page.tab.jobs)}
    page.running.clear()
    page.running.update({request: job for request, job in under_way.items() if job is not None})


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


def press(tab: Tab, request: EnhanceRequest) -> None:
    """Keep the visitor's request for work until a run of the page takes it."""
    tab.pressed = request


def take_press(tab: Tab, request: EnhanceRequest) -> bool:
    """Return whether the visitor pressed the button for this picture and place, once.

    A run that was ended early has not taken it, and choices may have changed since.
    """
    pressed, tab.pressed = tab.pressed, None
    return pressed is not None and (pressed.digest, pressed.place) == (
        request.digest,
        request.place,
    )


def start(shared: Shared, tab: Tab, picture: InputFile, request: EnhanceRequest) -> None:
    """Queue the work unless its result is there; a full queue is an error of the request."""
    tab.errors.pop(request, None)
    if request in tab.jobs or result(shared, tab, picture, request) is not None:
        return
    owner = intake.owner(shared, tab, picture)
    inspection = intake.inspect(shared, tab, picture)
    if (error := expectations.refusal(shared, inspection.size, request)) is not None:
        tab.errors[request] = error
        return
    live = live_of(shared, tab, picture, inspection, request)
    task = Task(
        shared=shared,
        owner=owner,
        picture=picture,
        inspection=inspection,
        request=request,
        live=live,
        visitor=tab.token,
    )
    try:
        jobs = shared.jobs if request.place is Place.LOCAL else shared.cloud_jobs
        job = jobs.submit((owner.token, request), task.run, visitor=tab.token)
    except SuperResolutionError as exc:
        tab.errors[request] = exc
    else:
        tab.jobs[request] = live.job = job


def live_of(
    shared: Shared, tab: Tab, picture: InputFile, inspection: Inspection, request: EnhanceRequest
) -> Live:
    """Return the live view of a request without a result, shared by all who wait for it."""
    owner = intake.owner(shared, tab, picture)
    found = owner.lives.get(request)
    if found is None:
        found = owner.lives[request] = Live(
            disk=shared.disk,
            size=result_size(inspection.size, request.options),
            estimate=expectations.estimate(shared, inspection.size, request),
            detailed=inspection.detailed,
        )
        shared.lives[found.secret] = found
    return found


def begin_look(
    shared: Shared, tab: Tab, picture: InputFile, inspection: Inspection, request: EnhanceRequest
) -> Live:
    """Request a first look if the result takes a while, among all that are made here just now."""
    live = live_of(shared, tab, picture, inspection, request)
    is_quick = live.estimate.total * (1 + sum(shared.engine.load)) < LOOK_FROM_SECONDS
    if live.look is None and live.look_job is None and not is_quick:
        options = engine_options(request, inspection, details=shared.engine.details)
        options = replace(options, format="webp", quality=LOOK_QUALITY)

        def work(watch: Watch) -> None:
            watch = replace(watch, visitor=tab.token)
            look = shared.engine.first_look(
                picture.file.read(), options, longest_side=LOOK_SIDE, watch=watch
            )
            live.look = shared.disk.store(look.data)

        with suppress(SuperResolutionError):
            key = intake.owner(shared, tab, picture).token, request
            live.look_job = shared.looks.submit(key, work, visitor=tab.token)
    return live


@dataclass(frozen=True, kw_only=True)
class Status:
    """The state of the work on the page's picture."""

    request: EnhanceRequest
    job: Job | None
    result: Result | None
    is_asked: bool
    """True if the work begins only when the visitor asks for it."""


def begin(
    page: Page, picture: InputFile, inspection: Inspection, request: EnhanceRequest
) -> Status:
    """Begin a first look and the work, where nothing speaks against it; return how it stands."""
    tab, shared, size = page.tab, page.shared, inspection.size
    found = result(shared, tab, picture, request)
    refusal = expectations.refusal(shared, size, request)
    if refusal is not None:
        tab.errors[request] = refusal
    is_asked = refusal is None and expectations.needs_a_press(shared, size, request)
    if found is None and request.place is not Place.CLOUD and refusal is None:
        tab.live = begin_look(shared, tab, picture, inspection, request)
    is_pressed = take_press(tab, request)
    is_begun = is_pressed or (not is_asked and request not in tab.errors)
    if found is None and request not in page.running and is_begun:
        start_and_wait(page, picture, request)
        collect(page)
        found = result(shared, tab, picture, request)
    if found is not None:
        tab.shown, tab.live = request, None
    return Status(request=request, job=page.running.get(request), result=found, is_asked=is_asked)


def start_and_wait(page: Page, picture: InputFile, request: EnhanceRequest) -> None:
    """Queue the work, and wait a moment if it is short."""
    tab = page.tab
    start(page.shared, tab, picture, request)
    job, live = tab.jobs.get(request), intake.owner(page.shared, tab, picture).lives.get(request)
    is_short = live is None or live.estimate.total < LOOK_FROM_SECONDS
    if job is not None and not job.wait(SHORT_WAIT_SECONDS if is_short else 0.0):
        tab.asked.add(request)


def release(tab: Tab, request: EnhanceRequest) -> None:
    """Stop waiting; the job itself ends if nobody else waits for it."""
    job = tab.jobs.pop(request, None)
    if job is not None:
        job.release(visitor=tab.token)


def stop(page: Page, request: EnhanceRequest) -> None:
    """End the job, and do not start it again before the visitor asks."""
    release(page.tab, request)
    page.tab.errors[request] = CancelledError()


def stop_named(page: Page, key: str) -> None:
    """End the job of the tab whose request has this key."""
    for request in [each for each in page.tab.jobs if each.key == key]:
        stop(page, request)
