"""The page. It reads from top to bottom as the page does."""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

# Streamlit puts this file's folder on the path, not the root of the clone.
sys.path.extend(
    {str(each.parent) for each in Path(__file__).resolve().parents[1].glob("backend")}
    - set(sys.path)
)

import streamlit as st

from backend import SettingsError, SuperResolutionError
from webapp.base import view as base
from webapp.base.texts import LANGUAGES, language_from_locale, texts
from webapp.cloud import view as cloud
from webapp.intake import state as intake
from webapp.intake import view as intake_view
from webapp.intake.samples import samples
from webapp.middleware import STYLE
from webapp.options import address
from webapp.options import state as options
from webapp.options import view as options_view
from webapp.result import state as result_state
from webapp.result import view as result_view
from webapp.result.downloads import ARCHIVE_PATH
from webapp.shared import Page
from webapp.wiring import shared_by_all
from webapp.work import bulk as bulk_work
from webapp.work import expectations
from webapp.work import state as work
from webapp.work import view as work_view
from webapp.work.comparison import EngineComparison
from webapp.work.enhance import Enhanced, EnhanceRequest, Place

if st.session_state.get("lang") not in LANGUAGES:
    st.session_state.lang = language_from_locale(st.context.locale)
st.set_page_config(
    page_title=texts(st.session_state.lang)("page.name"),
    page_icon=str(Path(__file__).with_name("icon.png")),
    layout="wide",
)
st.html(STYLE)

with base.faults_explained(texts(st.session_state.lang)):
    try:
        shared = shared_by_all()
    except (SettingsError, SuperResolutionError) as exc:
        base.show_start_failure(exc, texts(st.session_state.lang))
        st.stop()
    if st.session_state.get("sample") not in samples():
        st.session_state.sample = next(iter(samples()))
    address.read(address.parsers(shared.engine.models, list(samples())))
    t = texts(st.session_state.lang)
    tab = intake.connect(shared)
    page = Page(tab=tab, shared=shared, t=t)
    work.collect(page)

    base.show_head(t)
    drop_area = st.container()
    with st.container(key="arrivals"):
        intake.receive(page)
        intake_view.show_refusal(page)
        base.show_fault(t)
    with drop_area:
        intake_view.show_picker(page)

    stage, panel = st.columns([11, 6], gap="large")
    with stage:
        # Permanent places: a notice that comes or goes does not move the picture.
        notice, canvas = st.container(), st.container()
        bar = st.container(key="bar", horizontal=True)
        facts = st.container()

    with panel:
        picture = intake.current_picture(tab)
        problem, inspection = None, None
        place = cloud.chosen_place(shared)
        try:
            if not tab.awaits_pictures:
                inspection = intake_view.open_picture(page, picture)
                work.check(shared, picture, place=place)
        except SuperResolutionError as exc:
            problem = exc
        own, many = st.container(), st.container()
        intake_view.choose_sample(page)
        cloud.choose_place(page)
        choices = options_view.choose_options(page, inspection)
        if place is not Place.LOCAL and isinstance(choices.scale, str):
            choices = replace(choices, scale=None)  # an endpoint has its networks' scales only
        if tab.has_several:
            bulk = bulk_work.plan_bulk(page, choices, place)
            if bulk.seconds <= shared.settings.ask_seconds:
                bulk_work.start_all(page, bulk)
                work.collect(page)
            tab.has_several = False
    status = tab.live = None
    if tab.awaits_pictures:
        with canvas:
            intake_view.show_waiting(page)
    elif inspection is not None and problem is None and tab.is_cropping and not picture.sample:
        with canvas:
            intake_view.show_crop(page, picture, inspection)
    elif inspection is not None and problem is None:
        resolved = options.resolve(shared, choices, inspection)
        request = EnhanceRequest(digest=picture.digest, options=resolved, place=place)
        status = work.begin(page, picture, inspection, request)
        # Before the result: whoever sees it can share or reload it. A run that ends with another
        # one would swallow a step back that came meanwhile.
        address.write(options.choices_for_address(tab))
        shown = work.shown_result(page, picture)
        with bar:
            options_view.choose_scale(
                page,
                inspection,
                resolved,
                seconds=expectations.seconds_by_size(page, picture, inspection.size, request),
                expect=partial(expectations.seconds, shared, inspection.size, request)
                if place is Place.LOCAL
                else None,
            )
            work_view.show_bar(page, status)
            if isinstance(status.result, Enhanced):
                result_view.show_saver(page, picture, status.result)
            else:
                st.empty()  # the menu of an older result goes now, not when this run has ended
        with facts:
            intake_view.tell_shrunk(page, picture)
        with canvas:
            if isinstance(shown, EngineComparison):
                cloud.show_engine_comparison(page, picture, shown)
            elif (
                status.result is None and tab.live is not None and result_view.can_show_making(page)
            ):
                result_view.show_making(page, picture, inspection, request, tab.live, shown)
            elif shown is not None:
                result_view.show_result(page, picture, inspection, shown, facts=facts)
            else:
                intake_view.show_preview(page, picture, inspection)

    address.write(options.choices_for_address(tab))
    with own:
        intake_view.choose_own(page, states=bulk_work.describe_own(page, choices, place))
    with many:
        archive = f"{ARCHIVE_PATH}/{result_state.archive(page).secret}.zip"
        bulk = bulk_work.plan_bulk(page, choices, place)
        work_view.show_bulk(page, bulk, archive=archive)
    with notice:
        if problem is not None:
            base.show_error(problem, t)
        elif status is not None and status.request in tab.errors:
            work_view.show_failure(page, status.request)

    cloud.show_privacy(page, place)
    work_view.announce_state(page, status, tab.input_error or problem)
