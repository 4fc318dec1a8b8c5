"""What one run of the page does with its tab, apart from drawing."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from backend import SuperResolutionError
from backend.engine import Watch
from backend.errors import DeadlineError, PayloadTooLargeError
from backend.options import UpscaleOptions
from webapp.address import ADJUST
from webapp.enhance import Enhanced, EnhanceRequest, Place
from webapp.enhancer import Enhancer
from webapp.errors import EmptyFileError, StorageFullError, TooManyPicturesError, UploadFailedError
from webapp.filenames import name_from_link
from webapp.jobs import Job, Phase
from webapp.picker import Events
from webapp.pictures import Box, InputFile, Inspection
from webapp.samples import samples
from webapp.slider import side
from webapp.tabs import MAX_PICTURES, MAX_UPLOAD_BYTES, Result, Tab
from webapp.texts import Texts

SHORT_WAIT_SECONDS = 0.4
"""A small picture is ready within it, and the page goes to the result without a progress bar."""
PART_SECONDS = 5.0
"""How long a part may wait for its turn before the page goes on without it."""
BEFORE = "before"


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


def choose(tab: Tab, *, own: str, sample: str) -> None:
    """The visitor clicked a thumbnail."""
    tab.input_error, tab.asks_to_stop = None, False
    if own:
        tab.current = own
    else:
        tab.current = None
        st.session_state.sample = sample
    st.rerun()


def current_picture(tab: Tab, *, enhancer: Enhancer) -> InputFile | None:
    """What the page is about; None after a file that was refused."""
    if tab.input_error is not None:
        return None
    if tab.current is not None and tab.current in tab.pictures:
        return tab.pictures[tab.current]
    return enhancer.sample_picture(samples()[st.session_state.sample])


def start(
    tab: Tab, picture: InputFile, request: EnhanceRequest, *, enhancer: Enhancer
) -> Job | None:
    """Queue the work and wait a moment for it; the job that is still under way, if any."""
    tab.asks_to_stop = False
    enhancer.start(tab, picture, request)
    job = tab.jobs.get(request)
    if job is not None and not job.wait(SHORT_WAIT_SECONDS):
        tab.asked.add(request)
    return enhancer.job(tab, request)


def describe_own(tab: Tab, *, enhancer: Enhancer, t: Texts) -> dict[str, tuple[str, str]]:
    """(mark, words) of each own picture that is or was worked on."""
    described: dict[str, tuple[str, str]] = {}
    for request in tab.results():
        described[request.digest] = ("✓", t("own.done"))
    for digest, inspection in tab.inspections.items():
        if isinstance(inspection, SuperResolutionError):
            described[digest] = ("!", t("own.refused"))
    for request in list(tab.jobs):
        job = enhancer.job(tab, request)
        if job is not None and request.digest in tab.pictures:
            # Of the picture on the page, the bar says more, and it says it more often.
            is_current = request.digest == tab.current
            described[request.digest] = ("…", t("enhance.running")) if is_current else mark(job, t)
        elif request in tab.errors:
            described[request.digest] = ("!", t("own.failed"))
    return described


def mark(job: Job, t: Texts) -> tuple[str, str]:
    """A few characters for what a job is doing, and the words for them."""
    state = job.state
    if state.phase is Phase.WAITING:
        return "…", t("own.waiting")
    percent = round(100 * state.done / state.total) if state.total else 0
    text = t("own.percent", percent=percent)
    return text, text


@dataclass(frozen=True, kw_only=True)
class Part:
    """A small piece of a large picture, enhanced before the whole is."""

    key: str
    left: bytes
    right: bytes
    """Sides of the slider, from `side.pack`."""


def enhance_part(
    picture: InputFile,
    inspection: Inspection,
    options: UpscaleOptions,
    box: Box,
    *,
    enhancer: Enhancer,
) -> Part | None:
    """The part, kept for the next run; None when others keep the engine busy for long."""
    key = f"{picture.digest}-{options}-{box}"
    kept = st.session_state.get("part")
    if isinstance(kept, Part) and kept.key == key:
        return kept
    end = time.monotonic() + PART_SECONDS
    watch = Watch(seconds_left=lambda: end - time.monotonic())
    try:
        before, after = enhancer.enhance_part(picture, inspection, options, box, watch=watch)
    except DeadlineError:
        return None
    part = Part(key=key, left=side.pack_file(before), right=side.pack_file(after))
    st.session_state.part = part
    return part


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
        for name, scales in enhancer.engine.models.items()
        if name != upscaled.model and upscaled.scale in scales
    ]
    return [BEFORE, *others]


def result_of_model(
    tab: Tab, picture: InputFile, model: str, *, enhancer: Enhancer
) -> Enhanced | None:
    """What another tier makes of the picture, which is made when it is not there yet."""
    assert tab.shown is not None
    other = replace(tab.shown, options=replace(tab.shown.options, model=model), place=Place.LOCAL)
    found = enhancer.result(tab, picture, other)
    if found is None and other not in tab.errors:
        start(tab, picture, other, enhancer=enhancer)
        found = enhancer.result(tab, picture, other)
    return found if isinstance(found, Enhanced) else None


def other_jobs(tab: Tab, request: EnhanceRequest | None) -> list[Job]:
    """Those under way for other pictures, or for other choices."""
    return [job for key, job in list(tab.jobs.items()) if key != request]


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
    }


def stop(tab: Tab, request: EnhanceRequest, *, enhancer: Enhancer) -> None:
    """The visitor confirmed that the job may end."""
    tab.asks_to_stop = False
    enhancer.stop(tab, request)
