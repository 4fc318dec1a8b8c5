"""The parts of the page that are there only with an endpoint."""

from __future__ import annotations

from typing import cast

import streamlit as st

from backend import Upscaled
from backend.formats import FORMATS
from webapp import comparison, views
from webapp.cloud.compared import Compared
from webapp.cloud.connection import Tested, try_connection
from webapp.cloud.engine import CloudEngine
from webapp.engine import Place
from webapp.enhance import Wish
from webapp.filenames import download_name
from webapp.messages import duration, size_of_file
from webapp.pictures import Picked
from webapp.visit import Visit
from webapp.wiring import Studio

PLACES = {
    Place.LOCAL: "On this computer",
    Place.CLOUD: "In the cloud",
    Place.BOTH: "Compare both",
}
AT_HOME = (
    "Everything runs on the computer that serves this page. Your pictures are neither kept nor "
    "sent anywhere else."
)


def choose_place(visit: Visit, *, studio: Studio) -> Place:
    """Without an endpoint there is nothing to choose and nothing to see."""
    if studio.cloud is None:
        return Place.LOCAL
    place = st.segmented_control(
        "Enhance",
        studio.places,
        default=Place.LOCAL,
        required=True,
        format_func=PLACES.__getitem__,
        key="place",
        width="stretch",
    )
    if place is Place.LOCAL:
        visit.tested = None
    else:
        _test(visit, studio.cloud)
    return place


def _test(visit: Visit, cloud: CloudEngine) -> None:
    if st.button("Test connection", icon=":material/cloud_sync:", key="test", type="tertiary"):
        with st.spinner("Asking the endpoint …"):
            visit.tested = try_connection(cloud)
    if visit.tested is not None:
        _show_tested(visit.tested)


def _show_tested(tested: Tested) -> None:
    if tested.error is not None:
        views.show_error(tested.error)
    elif tested.answer is not None:
        took = f"It answered after {duration(tested.answer.seconds)}"
        if tested.answer.is_of_aws_kit:
            what = "as AWS's AI Solution Kit does: it chooses its network and its clean-up itself."
        else:
            what = f"with the network “{tested.answer.model}”."
        st.success(f"{took}, {what}", title="The connection works", icon=":material/check_circle:")


def show_compared(picked: Picked, wish: Wish, result: Compared, *, studio: Studio) -> None:
    """One slider, this computer on its left and the cloud on its right, and the numbers."""
    slider = cast(comparison.Slider, studio.settings.slider)
    with st.container(key="result"):
        comparison.show(result.comparison, key=wish.name, slider=slider)
        if result.is_identical:
            st.markdown(
                ":material/equal: The two results are **identical**, pixel by pixel.",
            )
        else:
            st.markdown(
                f":material/difference: The two results differ: PSNR **{result.psnr:.1f} dB** "
                f"({_words(result.psnr)})."
            )
        left, right = st.columns(2)
        with left:
            _show_side(Place.LOCAL, result.local, [], picked)
        with right:
            _show_side(Place.CLOUD, result.cloud, [views.traffic(result.cloud)], picked)
    views.scroll_to("result", occasion=wish.name)


def _words(psnr: float) -> str:
    """What the number means to an eye."""
    if psnr >= 45:
        return "hardly visible"
    return "visible from close up" if psnr >= 32 else "clearly visible"


def _show_side(place: Place, upscaled: Upscaled, more: list[str], picked: Picked) -> None:
    label = views.LABELS[upscaled.format]
    facts = [duration(upscaled.seconds), f"{label} of {size_of_file(len(upscaled.data))}", *more]
    st.caption(f"**{PLACES[place]}** · {' · '.join(facts)}")
    st.download_button(
        f"Download {label}",
        upscaled.data,
        file_name=download_name(picked.name, scale=upscaled.scale, format=upscaled.format),
        mime=FORMATS[upscaled.format].media_type,
        key=f"download-{place.value}",
        on_click="ignore",
        icon=":material/download:",
    )


def way_of_pictures(place: Place, *, studio: Studio) -> str:
    """Where the picture goes, true for what is chosen."""
    if place is Place.LOCAL or studio.cloud is None:
        return AT_HOME
    endpoint = studio.cloud.endpoint
    secrecy = "encrypted" if endpoint.is_encrypted else "not encrypted"
    here = (
        "enhanced on the computer that serves this page, and also " if place is Place.BOTH else ""
    )
    return (
        f"When you press Enhance, your picture is {here}sent ({secrecy}) to the cloud "
        f"({endpoint.place}) and enhanced there. This page keeps nothing; a large result may lie "
        "in the cloud for a while, as its owner set it up. With “On this computer” nothing is sent."
    )
