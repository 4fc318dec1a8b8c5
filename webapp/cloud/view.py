"""The parts of the page that exist only with an endpoint."""

from __future__ import annotations

import streamlit as st

from backend import SuperResolutionError
from webapp.base.buttons import Button, buttons
from webapp.base.texts import Texts
from webapp.base.view import show_error
from webapp.client.connection import check_connection
from webapp.client.remote import RemoteEngine, RemoteUpscaled
from webapp.intake.pictures import InputFile
from webapp.result import slider
from webapp.result.slider import Comparison
from webapp.result.view import detail_address, show_saver, traffic
from webapp.shared import Page, Shared
from webapp.tabs import Tab
from webapp.work.comparison import EngineComparison
from webapp.work.enhance import Enhanced, Place


def chosen_place(shared: Shared) -> Place:
    """Return the visitor's choice of the previous run; without an endpoint, this computer."""
    place = st.session_state.get("place")
    return place if shared.cloud is not None and isinstance(place, Place) else Place.LOCAL


def choose_place(page: Page) -> None:
    """Draw the places; without an endpoint there is no choice to draw."""
    t, cloud = page.t, page.shared.cloud
    if cloud is None:
        return
    place = st.segmented_control(
        t("place.label"),
        list(Place),
        default=Place.LOCAL,
        required=True,
        format_func=lambda each: t(f"place.{each.value}"),
        key="place",
        width="stretch",
    )
    if place is Place.LOCAL:
        page.tab.connection_test, page.tab.is_testing = None, False
    else:
        _check_connection(page.tab, cloud, t)


def _check_connection(tab: Tab, cloud: RemoteEngine, t: Texts) -> None:
    def ask() -> None:
        tab.is_testing = True

    test = Button(text=t("connection.test"), icon="cloud_sync", kind="plain", act=ask)
    buttons({"test": test}, key="test", width="stretch")
    if tab.is_testing:
        with st.spinner(t("connection.running")):
            tab.connection_test, tab.is_testing = check_connection(cloud), False
    if tab.connection_test is not None:
        _show_connection_test(tab.connection_test, t)


def _show_connection_test(found: RemoteUpscaled | SuperResolutionError, t: Texts) -> None:
    if isinstance(found, SuperResolutionError):
        show_error(found, t)
        return
    time = t.duration(found.seconds)
    if found.is_from_aws_kit:
        text = t("connection.aws_kit", time=time)
    else:
        text = t("connection.network", time=time, network=found.model)
    st.success(text, title=t("connection.works"), icon=":material/check_circle:")


def show_engine_comparison(page: Page, picture: InputFile, result: EngineComparison) -> None:
    """Draw one slider, with this computer on the left and the cloud on the right, and figures."""
    t, local, cloud = page.t, result.local, result.cloud
    size = {"width": local.upscaled.width, "height": local.upscaled.height}
    labels = (t("slider.label_local", **size), t("slider.label_cloud", **size))
    with st.container(key="result"):
        comparison = Comparison(
            left=local.side.read(),
            right=cloud.side.read(),
            labels=labels,
            texts=t.section("slider") | t.section("unit"),
            key=f"{picture.digest}-{local.upscaled.model}-{local.upscaled.scale}-both",
            version="done",
            is_same=result.is_identical,
            details=(
                detail_address(page, picture, local),
                detail_address(page, picture, cloud),
            ),
        )
        slider.show(comparison, kind=page.shared.settings.slider)
        if result.is_identical:
            st.markdown(f":material/check: {t('difference.none')}")
        else:
            number = t.number(round(result.psnr, 1))
            text = t(f"difference.{_visibility(result.psnr)}", psnr=number)
            st.markdown(f":material/difference: {text}")
        left, right = st.columns(2)
        with left:
            _show_side(page, picture, local, Place.LOCAL)
        with right:
            _show_side(page, picture, cloud, Place.CLOUD)


def _visibility(psnr: float) -> str:
    """Say what the figure means for the eye."""
    if psnr >= 45:
        return "hardly"
    return "close_up" if psnr >= 32 else "clearly"


def _show_side(page: Page, picture: InputFile, result: Enhanced, place: Place) -> None:
    t, upscaled = page.t, result.upscaled
    facts = [t.duration(upscaled.seconds)]
    if isinstance(upscaled, RemoteUpscaled):
        facts.append(traffic(upscaled, t))
    st.caption(f"**{t(f'place.{place.value}')}** · {' · '.join(facts)}")
    show_saver(page, picture, result, key=f"-{place.value}")


def show_privacy(page: Page, place: Place) -> None:
    """Say where the picture is sent by the present choice; without one, the drop area does."""
    if page.shared.cloud is not None:
        with st.container(key="footer"):
            st.caption(_privacy(page.t, page.shared.cloud, place))


def _privacy(t: Texts, cloud: RemoteEngine, place: Place) -> str:
    if place is Place.LOCAL:
        return t("privacy.local")
    endpoint = cloud.endpoint
    where = t("privacy.aws", region=endpoint.region) if endpoint.region else t("privacy.server")
    secrecy = "encrypted" if endpoint.is_encrypted else "open"
    return t(f"privacy.{place.value}_{secrecy}", where=where)
