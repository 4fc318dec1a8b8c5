"""The button, the bar, and several pictures at once."""

from __future__ import annotations

from functools import partial

import streamlit as st

from backend import SuperResolutionError
from backend.errors import CancelledError
from webapp.base.announcer import announce
from webapp.base.buttons import Button, buttons
from webapp.base.errors import ImpossibleSizeError
from webapp.base.messages import message_for
from webapp.base.view import show_error
from webapp.options.other_size import scale_label
from webapp.options.view import model_label
from webapp.shared import Page
from webapp.work import state
from webapp.work.bar import bar
from webapp.work.bulk import Bulk, start_all, stop_all
from webapp.work.enhance import EnhanceRequest
from webapp.work.live import LIVE_PATH
from webapp.work.state import Status
from webapp.work.stream import EVENTS_PATH

ASKED_SECONDS = 10.0
"""Seconds of work that is not discarded without a question."""
NOTIFIED_SHARE = 0.25
"""The share of `ask_seconds` beyond which a visitor may look at another tab meanwhile."""
LEAVING_SECONDS = 10.0
"""Seconds of a job for which the browser asks before the tab is closed."""
MANY = 2
"""The number of pictures from which bulk controls are shown."""


def show_bulk(page: Page, bulk: Bulk, *, archive: str) -> None:
    """Draw, for several pictures: all at once, stop, and one file with all results."""
    t = page.t
    if len(page.tab.pictures) < MANY:
        return
    with st.container(key="bulk", horizontal=True, vertical_alignment="center"):
        shown = {}
        if len(bulk.pending) > 1:
            label = t("bulk.all", count=len(bulk.pending), time=t.about(bulk.seconds))
            start = partial(start_all, page, bulk)
            shown["start"] = Button(text=label, icon="auto_awesome", act=start)
        if len(bulk.running) > 1:
            stop = partial(stop_all, page, bulk)
            shown["stop"] = Button(text=t("bulk.stop"), act=stop)
        if shown:
            buttons(shown, key="bulk-actions", width="content")
        if bulk.done > 1:
            st.html(f'<a class="zip" href="{archive}" download>{t("bulk.zip")}</a>')


def show_bar(page: Page, status: Status) -> None:
    """Draw how the work on the picture stands, its start where that has to be asked for, its end.

    Until the result is there, the tab's event stream informs the browser of its work, first look
    and pieces, old ones too.
    """
    tab, t, request = page.tab, page.t, status.request
    live = tab.live
    is_waiting = status.job is None and status.result is None
    label = ""
    error = tab.errors.get(request)
    is_impossible = isinstance(error, ImpossibleSizeError)
    if is_waiting and not is_impossible and (status.is_asked or error is not None):
        time = t.about(_expected_seconds(page))
        label = t("enhance.do_time", time=time) if status.is_asked else t("enhance.again")
    is_stopped = is_waiting and isinstance(error, CancelledError)
    others = [each for each in tab.jobs if each.digest == request.digest and each != request]
    bar(
        {
            "key": request.key,
            "live": "" if live is None else f"{LIVE_PATH}/{live.secret}",
            "stream": f"{EVENTS_PATH}/{tab.stream}?lang={t.language}",
            "isBusy": bool(tab.jobs) or live is not None,
            "isRunning": status.job is not None,
            "seconds": _expected_seconds(page),
            "start": label,
            "note": t("stop.stopped") if is_stopped else "",
            "others": [{"key": each.key, "text": _name(page, each)} for each in others],
            "askAfter": ASKED_SECONDS,
            "notifyAfter": NOTIFIED_SHARE * page.shared.settings.ask_seconds,
            "title": t("page.name"),
            "texts": t.section("stop")
            | t.section("unit")
            | {
                "label": t("enhance.bar"),
                "running": t("enhance.running"),
                "starting": t("wait.starting"),
            },
        },
        on_start=lambda _: state.press(tab, request),
        on_stop=partial(state.stop_named, page),
    )


def show_failure(page: Page, request: EnhanceRequest) -> None:
    """Say why there is no result; the bar shows that the visitor stopped it."""
    error = page.tab.errors[request]
    if not isinstance(error, CancelledError):
        show_error(error, page.t)


def _name(page: Page, request: EnhanceRequest) -> str:
    options, t = request.options, page.t
    return f"{scale_label(options, t)} · {model_label(options.model or '', t)}"


def announce_state(page: Page, status: Status | None, problem: SuperResolutionError | None) -> None:
    """Announce the present state, in the tab's title and to screen readers."""
    is_running = status is not None and status.job is not None
    t = page.t
    title, message, key = t("page.name"), "", ""
    if problem is not None:
        message = message_for(problem, t).title
    elif is_running:
        message = t("enhance.running")
    elif status is not None and status.result is not None:
        key, message = status.request.key, t("announce.done")
        if status.request in page.tab.asked:
            title = f"✓ {message} · {title}"
    is_long = is_running and _expected_seconds(page) > LEAVING_SECONDS
    announce(title=title, message=message, language=t.language, result=key, leaving=is_long)


def _expected_seconds(page: Page) -> float:
    """Return the expected time for the picture on the page."""
    return 0.0 if page.tab.live is None else page.tab.live.estimate.total
