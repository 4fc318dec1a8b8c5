"""The page: `streamlit run webapp/app.py`. It reads from top to bottom as the page does."""

import sys
from functools import partial
from pathlib import Path

# `streamlit run` puts this file's folder on the path and not the repository's root.
sys.path.extend({str(Path(__file__).resolve().parent.parent)} - set(sys.path))

import streamlit as st

from backend import SettingsError, SuperResolutionError
from webapp import views
from webapp.cloud import views as cloud_views
from webapp.cloud.compared import Compared
from webapp.enhance import Wish
from webapp.visit import current_visit
from webapp.wiring import studio as shared_studio

st.set_page_config(
    page_title="Sharper pictures",
    page_icon=str(Path(__file__).with_name("icon.png")),
    layout="wide",
)
st.html(views.STYLE)

try:
    studio = shared_studio()
except (SettingsError, SuperResolutionError) as exc:
    views.out_of_order(exc)
    st.stop()
visit = current_visit()

st.title("Make small pictures sharp", anchor=False)
st.markdown("Pick a blurry picture, press Enhance, and compare.")

panel, stage = st.columns([6, 11], gap="large")

with panel:
    picked = views.choose_picture(visit, studio=studio)
    place = cloud_views.choose_place(visit, studio=studio)
    problem, inspected = None, None
    if picked is not None:
        try:
            inspected = views.inspected(picked.digest, picked.data, studio)
            studio.check(picked.data, place=place)
        except SuperResolutionError as exc:
            problem = exc
    options = views.choose_options(studio.engine, inspected, has_cloud=studio.cloud is not None)
    wish = None
    if picked and inspected and problem is None:
        wish = Wish(digest=picked.digest, options=options, place=place)
    visit.follow(wish, studio=studio)
    # Asked once, and the job first: one that ends meanwhile is noticed by its progress bar.
    job = visit.running(wish) if wish else None
    result = visit.result(wish, studio=studio) if wish and job is None else None
    was_pressed = views.enhance_button(
        is_ready=wish is not None,
        is_running=job is not None,
        is_done=result is not None,
    )
    # With the choices of this run: a callback would get those of the run before.
    if was_pressed and picked and wish:
        visit.start(picked, wish, studio=studio)
        st.rerun()

with stage:
    # Two places that are always there: the picture stays where it is when a notice comes or goes.
    notice, canvas = st.container(), st.container()

if problem is not None:
    with notice:
        views.show_error(problem)
elif picked is None or inspected is None or wish is None:
    with canvas:
        views.show_empty()
elif isinstance(result, Compared):
    with canvas:
        cloud_views.show_compared(picked, wish, result, studio=studio)
elif result is not None:
    with canvas:
        views.show_result(picked, wish, result, studio=studio)
else:
    with notice:
        if job is not None:
            estimate = studio.estimated_seconds(inspected.size, wish)
            cancel = partial(visit.cancel, wish, studio=studio)
            views.show_progress(job, estimate=estimate, on_cancel=cancel)
        elif error := visit.error(wish):
            views.show_error(error)
    with canvas:
        views.show_preview(inspected, alt=picked.caption)

views.footer(cloud_views.way_of_pictures(place, studio=studio))
