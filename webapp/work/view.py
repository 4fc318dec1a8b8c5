"""The button, the bar, and several pictures at once."""

from __future__ import annotations

import streamlit as st

from backend import SuperResolutionError
from webapp.base.announcer import announce
from webapp.base.fragments import polled
from webapp.base.messages import message_for
from webapp.base.texts import Texts
from webapp.shared import Page
from webapp.tabs import Result
from webapp.work import state
from webapp.work.enhance import EnhanceRequest
from webapp.work.jobs import Job
from webapp.work.progress import Estimate, fraction, sentence

LEAVING_SECONDS = 10.0
"""The length of a job that is worth a question before the tab is closed."""
MANY = 2
"""The number of pictures from which bulk controls are shown."""


def enhance_button(
    t: Texts, *, estimate: Estimate | None, is_running: bool, is_done: bool, is_long: bool
) -> bool:
    """Draw the one button, which says how long it will take; return whether it was pressed."""
    label, icon = t("enhance.do"), ":material/auto_awesome:"
    if is_running:
        label, icon = t("enhance.running"), ":material/hourglass_top:"
    elif is_done:
        label, icon = t("enhance.done"), ":material/check:"
    elif estimate is not None and is_long:
        label = t("enhance.do_time", time=t.about(estimate.total))
    return st.button(
        label,
        icon=icon,
        type="primary",
        width="stretch",
        key="enhance",
        disabled=is_running or is_done or estimate is None,
    )


def show_bulk(page: Page, bulk: state.Bulk, *, archive: str) -> None:
    """Draw, for several pictures: all at once, stop, and one file with all results."""
    t = page.t
    if len(page.tab.pictures) < MANY:
        return
    with st.container(key="bulk", horizontal=True, vertical_alignment="center"):
        if len(bulk.pending) > 1:
            label = t("bulk.all", count=len(bulk.pending), time=t.about(bulk.seconds))
            if st.button(label, key="enhance-all", icon=":material/auto_awesome:"):
                state.start_all(page, bulk)
                st.rerun()
        if len(bulk.running) > 1 and st.button(t("bulk.stop"), key="stop-all"):
            for request in bulk.running:
                state.stop(page, request)
            st.rerun()
        if bulk.done > 1:
            st.html(f'<a class="zip" href="{archive}" download>{t("bulk.zip")}</a>')


def show_progress(page: Page, request: EnhanceRequest, job: Job, *, estimate: Estimate) -> None:
    """Draw the bar, the time left, and the way to stop, which asks first."""
    tab, t = page.tab, page.t
    with st.container(key="progress", border=True):
        watch_job(job, estimate, t)
        if not tab.asks_to_stop:
            st.button(
                t("stop.ask"),
                icon=":material/close:",
                key="stop",
                on_click=state.ask_to_stop,
                args=(tab, True),
            )
            return
        st.markdown(t("stop.question"))
        with st.container(horizontal=True):
            st.button(
                t("stop.yes"),
                key="stop-yes",
                type="primary",
                on_click=state.stop,
                args=(page, request),
            )
            st.button(t("stop.no"), key="stop-no", on_click=state.ask_to_stop, args=(tab, False))


@polled
def watch_job(job: Job, estimate: Estimate, t: Texts) -> None:
    """Look at the job again and again; only this line of the page is drawn again."""
    now = job.state
    if now.phase.is_over:
        st.rerun()
    text = sentence(now, estimate=estimate, t=t)
    share = min(1.0, fraction(now, estimate=estimate))
    st.progress(share, text=text)
    announce(
        title=f"{t('own.percent', percent=round(100 * share))} · {t('page.name')}",
        message=t("enhance.running"),
        language=t.language,
        leaving=estimate.total > LEAVING_SECONDS,
    )


def watch_others(jobs: dict[EnhanceRequest, Job], drawn: state.Marks) -> None:
    """Draw the page again when a job of another picture, or with other choices, has gone on.

    `drawn` is what was known of the jobs before anything was drawn.
    """
    if jobs:
        _watch(jobs, drawn)


@polled
def _watch(jobs: dict[EnhanceRequest, Job], drawn: state.Marks) -> None:
    if any(mark != drawn.get(request) for request, mark in state.job_marks(jobs).items()):
        st.rerun()


def announce_state(
    page: Page,
    request: EnhanceRequest | None,
    result: Result | None,
    problem: SuperResolutionError | None,
) -> None:
    """Say what is there now in the title of the tab, and to those who do not look at the page."""
    t = page.t
    title, message, key = t("page.name"), "", ""
    if problem is not None:
        message = message_for(problem, t).title
    elif request is not None and result is not None:
        key, message = request.key, t("announce.done")
        if request in page.tab.asked:
            title = f"✓ {message} · {title}"
    announce(title=title, message=message, language=t.language, result=key)
