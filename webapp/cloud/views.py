"""The parts of the page that are there only with an endpoint."""

from __future__ import annotations

import streamlit as st

from webapp import views
from webapp.base.texts import Texts
from webapp.client.connection import ConnectionTest, check_connection
from webapp.client.remote import RemoteEngine, RemoteUpscaled
from webapp.cloud.comparison import EngineComparison
from webapp.enhancer import Enhancer
from webapp.intake.pictures import InputFile
from webapp.tabs import Tab
from webapp.work.enhance import Enhanced, Place


def chosen_place(enhancer: Enhancer) -> Place:
    """What the visitor chose in the run before; without an endpoint there is no choice."""
    place = st.session_state.get("place")
    return place if enhancer.cloud is not None and isinstance(place, Place) else Place.LOCAL


def choose_place(tab: Tab, *, enhancer: Enhancer, t: Texts) -> None:
    """Without an endpoint there is nothing to choose and nothing to see."""
    if enhancer.cloud is None:
        return
    place = st.segmented_control(
        t("place.label"),
        enhancer.places,
        default=Place.LOCAL,
        required=True,
        format_func=lambda each: t(f"place.{each.value}"),
        key="place",
        width="stretch",
    )
    if place is Place.LOCAL:
        tab.connection_test = None
    else:
        _check_connection(tab, enhancer.cloud, t)


def _check_connection(tab: Tab, cloud: RemoteEngine, t: Texts) -> None:
    if st.button(t("connection.test"), icon=":material/cloud_sync:", key="test", type="tertiary"):
        with st.spinner(t("connection.running")):
            tab.connection_test = check_connection(cloud)
    if tab.connection_test is not None:
        _show_connection_test(tab.connection_test, t)


def _show_connection_test(test: ConnectionTest, t: Texts) -> None:
    if test.error is not None:
        views.show_error(test.error, t)
    elif test.response is not None:
        response = test.response
        time = t.duration(response.seconds)
        if response.is_from_aws_kit:
            text = t("connection.aws_kit", time=time)
        else:
            text = t("connection.network", time=time, network=response.model)
        st.success(text, title=t("connection.works"), icon=":material/check_circle:")


def show_engine_comparison(
    tab: Tab, picture: InputFile, result: EngineComparison, *, enhancer: Enhancer, t: Texts
) -> None:
    """One slider, this computer on its left and the cloud on its right, and the numbers."""
    local, cloud = result.local, result.cloud
    size = {"width": local.upscaled.width, "height": local.upscaled.height}
    labels = (t("slider.label_local", **size), t("slider.label_cloud", **size))
    with st.container(key="result"):
        views.show_slider(
            local.side.read(),
            cloud.side.read(),
            labels=labels,
            key=f"{picture.digest}-{local.upscaled.model}-{local.upscaled.scale}-both",
            enhancer=enhancer,
            t=t,
            details=(
                views.detail_address(tab, picture, local, enhancer=enhancer),
                views.detail_address(tab, picture, cloud, enhancer=enhancer),
            ),
        )
        if result.is_identical:
            st.markdown(f":material/check: {t('difference.none')}")
        else:
            number = t.number(round(result.psnr, 1))
            text = t(f"difference.{_visibility(result.psnr)}", psnr=number)
            st.markdown(f":material/difference: {text}")
        left, right = st.columns(2)
        with left:
            _show_side(tab, picture, local, Place.LOCAL, enhancer=enhancer, t=t)
        with right:
            _show_side(tab, picture, cloud, Place.CLOUD, enhancer=enhancer, t=t)


def _visibility(psnr: float) -> str:
    """What the number means to an eye."""
    if psnr >= 45:
        return "hardly"
    return "close_up" if psnr >= 32 else "clearly"


def _show_side(
    tab: Tab, picture: InputFile, result: Enhanced, place: Place, *, enhancer: Enhancer, t: Texts
) -> None:
    upscaled = result.upscaled
    facts = [t.duration(upscaled.seconds)]
    if isinstance(upscaled, RemoteUpscaled):
        facts.append(views.traffic(upscaled, t))
    st.caption(f"**{t(f'place.{place.value}')}** · {' · '.join(facts)}")
    views.show_saver(tab, picture, result, enhancer=enhancer, t=t, key=f"-{place.value}")


def privacy_note(place: Place, *, enhancer: Enhancer, t: Texts) -> str:
    """Where the picture goes, true for what is chosen."""
    if place is Place.LOCAL or enhancer.cloud is None:
        return t("privacy.local")
    endpoint = enhancer.cloud.endpoint
    where = t("privacy.aws", region=endpoint.region) if endpoint.region else t("privacy.server")
    secrecy = "encrypted" if endpoint.is_encrypted else "open"
    return t(f"privacy.{place.value}_{secrecy}", where=where)
