"""The page. It reads from top to bottom as the page does."""

import sys
from pathlib import Path

# Streamlit puts this file's folder on the path, and not the root of the clone.
sys.path.extend(
    {str(each.parent) for each in Path(__file__).resolve().parents[1].glob("backend")}
    - set(sys.path)
)

import streamlit as st

from backend import SettingsError, SuperResolutionError
from webapp.base import view as base
from webapp.base.fragments import leave_fragment
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
from webapp.result.paths import ARCHIVE_PATH
from webapp.shared import Page
from webapp.wiring import shared_by_all
from webapp.work import state as work
from webapp.work import view as work_view
from webapp.work.comparison import EngineComparison
from webapp.work.enhance import EnhanceRequest

leave_fragment()
st.set_page_config(
    page_title="Super-resolution",
    page_icon=str(Path(__file__).with_name("icon.png")),
    layout="wide",
)
st.html(STYLE)

if st.session_state.get("lang") not in LANGUAGES:
    st.session_state.lang = language_from_locale(st.context.locale)

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
    jobs = work.collect(tab)
    drawn = work.job_marks(jobs)

    base.show_head(t)
    events = intake_view.receive_pictures(page)
    intake.receive(page, events)

    stage, panel = st.columns([11, 6], gap="large")

    with panel:
        picture = intake.current_picture(tab)
        problem, inspection = tab.input_error, None
        place = cloud.chosen_place(shared)
        if picture is not None:
            try:
                inspection = intake_view.open_picture(page, picture)
                work.check(shared, picture, place=place)
            except SuperResolutionError as exc:
                problem = exc
        if len(events.added) > 1:
            with st.spinner(t("wait.opening")):
                intake.inspect_all(page)
        intake_view.choose_own(page, states=work.describe_own(tab, jobs, t=t))
        intake_view.choose_sample(page)
        cloud.choose_place(page)
        choices = options_view.choose_options(page, inspection)

        bulk = work.plan_bulk(page, jobs, choices, place)
        if len(events.added) > 1 and bulk.seconds <= shared.settings.ask_seconds:
            work.start_all(page, bulk)
            st.rerun()

        request, result, job, estimate = None, None, None, None
        if picture is not None and inspection is not None and problem is None:
            resolved = options.resolve(shared, choices, inspection)
            request = EnhanceRequest(digest=picture.digest, options=resolved, place=place)
            job = jobs.get(request)
            result = work.result(shared, tab, picture, request)
            estimate = work.estimate(shared, inspection.size, request)
            needs_a_press = work.needs_a_press(shared, inspection.size, request)
            was_pressed = work_view.enhance_button(
                t,
                estimate=estimate,
                is_running=job is not None,
                is_done=result is not None,
                is_long=needs_a_press,
            )
            is_wanted = was_pressed or (not needs_a_press and request not in tab.errors)
            if is_wanted and job is None and result is None:
                work.start_and_wait(page, picture, request)
                st.rerun()
        else:
            work_view.enhance_button(
                t, estimate=None, is_running=False, is_done=False, is_long=False
            )
        archive = f"{ARCHIVE_PATH}/{result_state.archive(page).secret}.zip"
        work_view.show_bulk(page, bulk, archive=archive)
    # Before the result: whoever sees it can share or reload it.
    address.write(options.choices_for_address(tab))

    with stage:
        # Two places that are always there: a notice that comes or goes does not move the picture.
        notice, canvas = st.container(), st.container()

    if result is not None:
        tab.shown = request
    shown = work.shown_result(page, picture)

    with notice:
        if problem is not None:
            intake_view.show_problem(page, picture, problem)
        elif request is not None and job is not None and estimate is not None:
            work_view.show_progress(page, request, job, estimate=estimate)
        elif request is not None and request in tab.errors:
            base.show_error(tab.errors[request], t)

    with canvas:
        if problem is not None or picture is None or inspection is None or request is None:
            if problem is None:
                intake_view.show_empty(page)
        elif isinstance(shown, EngineComparison):
            cloud.show_engine_comparison(page, picture, shown)
        elif shown is not None:
            result_view.show_result(page, picture, inspection, shown)
        else:
            intake_view.show_preview(page, picture, inspection)

    work_view.watch_others(work.other_jobs(tab, jobs, request), drawn)
    base.show_footer(cloud.privacy_note(page, place))
    if job is None:
        work_view.announce_state(page, request, result, problem)
