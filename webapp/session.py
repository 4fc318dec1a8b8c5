"""What one run of the page does with its tab, apart from drawing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from backend import SuperResolutionError
from backend.errors import CancelledError, PayloadTooLargeError
from backend.options import AUTO, UpscaleOptions
from webapp.base.errors import (
    EmptyFileError,
    StorageFullError,
    TooManyPicturesError,
    UploadFailedError,
)
from webapp.base.texts import Texts
from webapp.enhancer import Enhancer
from webapp.intake.picker import Events
from webapp.intake.pictures import InputFile, Inspection
from webapp.intake.samples import samples
from webapp.options.address import ADJUST
from webapp.result.filenames import name_from_link
from webapp.tabs import MAX_PICTURES, MAX_UPLOAD_BYTES, Result, Tab
from webapp.work.enhance import Enhanced, EnhanceRequest, Place
from webapp.work.jobs import Job, Phase

SHORT_WAIT_SECONDS = 0.4
"""A small picture is ready within it, and the page goes to the result without a progress bar."""
BEFORE = "before"

Marks = Mapping[EnhanceRequest, tuple[Phase, int]]
"""Of jobs: where each stands, and the steps that are done."""


def connect(enhancer: Enhancer) -> Tab:
    """The tab of this run; a new one on the first run, or when what it had is gone."""
    context = get_script_run_ctx()
    session_id = context.session_id if context else ""
    tab = enhancer.tabs.restore(st.session_state.get("tab", ""), session_id=session_id)
    if tab is None:
        tab = enhancer.tabs.open(session_id)
        st.session_state.tab = tab.token
    return tab


def restore(token: str, *, enhancer: Enhancer) -> None:
    """Take over what the browser's tab had before it was reloaded."""
    context = get_script_run_ctx()
    session_id = context.session_id if context else ""
    if enhancer.tabs.restore(token, session_id=session_id) is not None:
        st.session_state.tab = token
    st.rerun()


def receive(events: Events, tab: Tab, *, enhancer: Enhancer, t: Texts) -> None:
    """Act on what came in through the drop area."""
    if events.restore is not None:
        restore(events.restore, enhancer=enhancer)
    if events.added:
        tab.input_error = None
        first = events.added[0]
        tab.current = first if first in tab.pictures else tab.current
    if events.refused is not None:
        tab.refused_name, reason = events.refused
        tab.input_error = refusal(reason, enhancer=enhancer)
    if events.link is not None:
        tab.refused_name, tab.input_error = "", None
        try:
            with st.spinner(t("wait.link")):
                data = enhancer.fetch(events.link)
            name = name_from_link(events.link)
            tab.add(InputFile.from_bytes(data, name=name, disk=enhancer.disk))
        except SuperResolutionError as exc:
            tab.input_error = exc


def refusal(reason: str, *, enhancer: Enhancer) -> SuperResolutionError:
    """The error for a reason that the upload gave to the browser."""
    max_bytes = enhancer.settings.max_image_bytes
    errors: dict[str, SuperResolutionError] = {
        "payload_too_large": PayloadTooLargeError.over(max_bytes, what="picture"),
        EmptyFileError.key: EmptyFileError(),
        StorageFullError.key: StorageFullError(),
        TooManyPicturesError.key: TooManyPicturesError(
            max_pictures=MAX_PICTURES, max_bytes=MAX_UPLOAD_BYTES
        ),
    }
    return errors.get(reason, UploadFailedError())


def choose_own(tab: Tab, digest: str) -> None:
    """The visitor clicked an own picture."""
    tab.input_error, tab.asks_to_stop = None, False
    tab.current = digest


def choose_sample(tab: Tab, file: str) -> None:
    """The visitor clicked a sample."""
    tab.input_error, tab.asks_to_stop = None, False
    tab.current = None
    st.session_state.sample = file


def current_picture(tab: Tab, *, enhancer: Enhancer) -> InputFile | None:
    """What the page is about; None after a file that was refused."""
    if tab.input_error is not None:
        return None
    if tab.current is not None and tab.current in tab.pictures:
        return tab.pictures[tab.current]
    return enhancer.sample_picture(samples()[st.session_state.sample])


def start(tab: Tab, picture: InputFile, request: EnhanceRequest, *, enhancer: Enhancer) -> None:
    """Queue the work and wait a moment for it; the page is drawn again after that."""
    tab.asks_to_stop = False
    enhancer.start(tab, picture, request)
    job = tab.jobs.get(request)
    if job is not None and not job.wait(SHORT_WAIT_SECONDS):
        tab.asked.add(request)


def inspect_all(tab: Tab, *, enhancer: Enhancer) -> None:
    """Open every own picture; one that cannot be read keeps its error."""
    for picture in tab.pictures.values():
        with suppress(SuperResolutionError):
            enhancer.inspect(tab, picture)


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
    tab: Tab,
    jobs: Mapping[EnhanceRequest, Job],
    choices: UpscaleOptions,
    place: Place,
    *,
    enhancer: Enhancer,
) -> Bulk:
    """What there is to do for all own pictures."""
    pending: dict[InputFile, EnhanceRequest] = {}
    seconds = 0.0
    for digest, picture in tab.pictures.items():
        inspection = tab.inspections.get(digest)
        if not isinstance(inspection, Inspection):
            continue
        options = enhancer.resolve(choices, inspection)
        request = EnhanceRequest(digest=digest, options=options, place=place)
        if request in tab.errors or request in jobs:
            continue
        if enhancer.result(tab, picture, request) is not None:
            continue
        pending[picture] = request
        seconds += enhancer.estimate(inspection.size, request).total
    own = set(tab.pictures)
    return Bulk(
        pending=pending,
        seconds=seconds,
        running=tuple(request for request in jobs if request.digest in own),
        done=len({request.digest for request in tab.results()} & own),
    )


def start_all(tab: Tab, bulk: Bulk, *, enhancer: Enhancer) -> None:
    """Queue everything that is pending."""
    for picture, request in bulk.pending.items():
        enhancer.start(tab, picture, request)


def describe_own(
    tab: Tab, jobs: Mapping[EnhanceRequest, Job], *, t: Texts
) -> dict[str, tuple[str, str]]:
    """(mark, words) of each own picture that is or was worked on."""
    described = {request.digest: ("!", t("own.failed")) for request in list(tab.errors)}
    for request in tab.results():
        described[request.digest] = ("✓", t("own.done"))
    for digest, inspection in tab.inspections.items():
        if isinstance(inspection, SuperResolutionError):
            described[digest] = ("!", t("own.refused"))
    for request, job in jobs.items():
        # Of the picture on the page, the bar says more, and it says it more often.
        is_current = request.digest == tab.current
        described[request.digest] = ("…", t("enhance.running")) if is_current else mark(job, t)
    return described


def mark(job: Job, t: Texts) -> tuple[str, str]:
    """A few characters for what a job is doing, and the words for them."""
    state = job.state
    if state.phase is Phase.WAITING:
        return "…", t("own.waiting")
    percent = round(100 * state.done / state.total) if state.total else 0
    text = t("own.percent", percent=percent)
    return text, text


def shown_result(tab: Tab, picture: InputFile | None, *, enhancer: Enhancer) -> Result | None:
    """The newest result of the picture on the page, which stays until the next one is there."""
    shown = tab.shown
    if picture is None or shown is None or shown.digest != picture.digest:
        return None
    return enhancer.result(tab, picture, shown)


def left_choices(result: Enhanced, *, enhancer: Enhancer) -> list[str]:
    """What a result can be compared with: its input, and the other tiers at its scale."""
    upscaled = result.upscaled
    others = [
        name
        for name in enhancer.choices
        if name not in (AUTO, upscaled.model) and upscaled.scale in enhancer.engine.models[name]
    ]
    return [BEFORE, *others]


def request_for_model(
    tab: Tab, picture: InputFile, model: str, *, enhancer: Enhancer
) -> EnhanceRequest:
    """For what another tier makes of the picture that is shown."""
    assert tab.shown is not None
    choices = replace(tab.shown.options, model=model, detail=st.session_state.get("detail"))
    options = enhancer.resolve(choices, enhancer.inspect(tab, picture))
    return replace(tab.shown, options=options, place=Place.LOCAL)


def result_or_start(
    tab: Tab, picture: InputFile, other: EnhanceRequest, *, enhancer: Enhancer
) -> Enhanced | None:
    """A result to compare with, which is made when it is not there yet."""
    found = enhancer.result(tab, picture, other)
    if found is None and other not in tab.errors:
        start(tab, picture, other, enhancer=enhancer)
        found = enhancer.result(tab, picture, other)
    return found if isinstance(found, Enhanced) else None


def stop_left(tab: Tab, request: EnhanceRequest, enhancer: Enhancer) -> None:
    """Compare with the input again, and not with what would have been made."""
    enhancer.stop(tab, request)
    st.session_state.left = BEFORE


def other_jobs(
    tab: Tab, jobs: Mapping[EnhanceRequest, Job], request: EnhanceRequest | None
) -> dict[EnhanceRequest, Job]:
    """Those under way for other pictures, or for other choices; new ones in addition to `jobs`."""
    return {key: job for key, job in {**tab.jobs, **jobs}.items() if key != request}


def job_marks(jobs: Mapping[EnhanceRequest, Job]) -> Marks:
    """What is drawn of jobs: a page that shows other marks has to be drawn again."""
    states = {request: job.state for request, job in jobs.items()}
    return {request: (state.phase, state.done) for request, state in states.items()}


def choices(tab: Tab) -> dict[str, object]:
    """What stands in the address."""
    state = st.session_state
    return {
        "lang": state.lang,
        "sample": None if tab.current else state.sample,
        "model": state.get("model"),
        "scale": state.get("scale"),
        "cleanup": state.get("cleanup"),
        "strength": state.get("strength") if state.get("cleanup") == ADJUST else None,
        "detail": state.get("detail"),
    }


def ask_to_stop(tab: Tab, asks: bool) -> None:
    """Show the question, or take it back."""
    tab.asks_to_stop = asks


def stop(tab: Tab, request: EnhanceRequest, enhancer: Enhancer) -> None:
    """End the job, and do not begin it again before the visitor asks for it."""
    tab.asks_to_stop = False
    enhancer.stop(tab, request)
    tab.errors[request] = CancelledError()
