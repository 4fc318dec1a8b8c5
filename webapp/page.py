"""The page. It reads from top to bottom as the page does."""

import sys
from pathlib import Path

# Streamlit puts this file's folder on the path and not the repository's root.
sys.path.extend({str(Path(__file__).resolve().parent.parent)} - set(sys.path))

import streamlit as st

from backend import SettingsError, SuperResolutionError
from webapp import session, views
from webapp.base.fragments import leave_fragment
from webapp.base.texts import LANGUAGES, language_from_locale, texts
from webapp.cloud import views as cloud_views
from webapp.cloud.comparison import EngineComparison
from webapp.enhancer import shared_enhancer
from webapp.intake.samples import samples
from webapp.middleware import STYLE
from webapp.options import address
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

with views.faults_explained(texts(st.session_state.lang)):
    try:
        enhancer = shared_enhancer()
    except (SettingsError, SuperResolutionError) as exc:
        views.show_start_failure(exc, texts(st.session_state.lang))
        st.stop()
    if st.session_state.get("sample") not in samples():
        st.session_state.sample = next(iter(samples()))
    address.read(address.parsers(enhancer.engine.models, list(samples())))
    t = texts(st.session_state.lang)
    tab = session.connect(enhancer)
    jobs = enhancer.collect(tab)
    drawn = session.job_marks(jobs)

    views.show_head(t)
    events = views.receive_pictures(tab, enhancer=enhancer, t=t)
    session.receive(events, tab, enhancer=enhancer, t=t)

    stage, panel = st.columns([11, 6], gap="large")

    with panel:
        picture = session.current_picture(tab, enhancer=enhancer)
        problem, inspection = tab.input_error, None
        place = cloud_views.chosen_place(enhancer)
        if picture is not None:
            try:
                inspection = views.inspect(tab, picture, enhancer=enhancer, t=t)
                enhancer.check(picture, place=place)
            except SuperResolutionError as exc:
                problem = exc
        if len(events.added) > 1:
            with st.spinner(t("wait.opening")):
                session.inspect_all(tab, enhancer=enhancer)
        views.choose_own(tab, states=session.describe_own(tab, jobs, t=t), t=t)
        views.choose_sample(tab, t)
        cloud_views.choose_place(tab, enhancer=enhancer, t=t)
        choices = views.choose_options(enhancer, inspection, t)

        request, result, job, estimate = None, None, None, None
        if picture is not None and inspection is not None and problem is None:
            options = enhancer.resolve(choices, inspection)
            request = EnhanceRequest(digest=picture.digest, options=options, place=place)
            job = jobs.get(request)
            result = enhancer.result(tab, picture, request)
            estimate = enhancer.estimate(inspection.size, request)
            needs_a_press = enhancer.needs_a_press(inspection.size, request)
            was_pressed = views.enhance_button(
                t,
                estimate=estimate,
                is_running=job is not None,
                is_done=result is not None,
                is_long=needs_a_press,
            )
            is_wanted = was_pressed or (not needs_a_press and request not in tab.errors)
            if is_wanted and job is None and result is None:
                session.start(tab, picture, request, enhancer=enhancer)
                st.rerun()
        else:
            views.enhance_button(t, estimate=None, is_running=False, is_done=False, is_long=False)
        bulk = session.plan_bulk(tab, jobs, choices, place, enhancer=enhancer)
        if len(events.added) > 1 and bulk.seconds <= enhancer.settings.ask_seconds:
            session.start_all(tab, bulk, enhancer=enhancer)
            st.rerun()
        views.show_bulk(tab, bulk, enhancer=enhancer, t=t)
    address.write(session.choices(tab))  # before the result: who sees it can share or reload it

    with stage:
        # Two places that are always there: a notice that comes or goes does not move the picture.
        notice, canvas = st.container(), st.container()

    if result is not None:
        tab.shown = request
    shown = session.shown_result(tab, picture, enhancer=enhancer)

    with notice:
        if problem is not None:
            views.show_problem(tab, picture, problem, enhancer=enhancer, t=t)
        elif request is not None and job is not None and estimate is not None:
            views.show_progress(tab, request, job, estimate=estimate, enhancer=enhancer, t=t)
        elif request is not None and request in tab.errors:
            views.show_error(tab.errors[request], t)

    with canvas:
        if problem is not None or picture is None or inspection is None or request is None:
            if problem is None:
                views.show_empty(t)
        elif isinstance(shown, EngineComparison):
            cloud_views.show_engine_comparison(tab, picture, shown, enhancer=enhancer, t=t)
        elif shown is not None:
            views.show_result(tab, picture, inspection, shown, enhancer=enhancer, t=t)
        else:
            views.show_preview(picture, inspection, t)

    views.watch_others(session.other_jobs(tab, jobs, request), drawn)
    views.show_footer(cloud_views.privacy_note(place, enhancer=enhancer, t=t))
    if job is None:
        views.announce_state(tab, request, result, problem, t)
