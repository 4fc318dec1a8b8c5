"""A finished result: the comparison, its partner, the save menu, the facts."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from backend.images.formats import FORMATS
from backend.options import AUTO
from webapp.base.texts import Texts
from webapp.base.view import show_error
from webapp.client.remote import RemoteUpscaled
from webapp.intake import state as intake
from webapp.intake.pictures import InputFile, Inspection
from webapp.intake.samples import samples
from webapp.options.state import automatic_tier, expected_bytes
from webapp.options.view import keep_offered, model_label
from webapp.result import slider, state
from webapp.result.downloads import DETAIL_PATH, RESULT_PATH
from webapp.result.making import show_how_made
from webapp.result.saver import saver
from webapp.result.slider import Comparison, Start
from webapp.shared import Page
from webapp.tabs import Result
from webapp.work import expectations
from webapp.work import state as work
from webapp.work.enhance import Enhanced, EnhanceRequest
from webapp.work.live import LIVE_PATH, Live

OWN_ZOOM = 2.0
"""The least CSS pixels per pixel of a visitor's own picture when it is first shown."""


def show_result(
    page: Page,
    picture: InputFile,
    inspection: Inspection,
    result: Enhanced,
    *,
    facts: DeltaGenerator,
) -> None:
    """Draw the comparison and, in `facts`, what it is compared with and how it was made."""
    t, tab = page.t, page.tab
    offered = state.left_choices(page.shared, result)
    left = st.session_state.get("left")
    asked, other = None, None
    if left in offered and left != state.BEFORE:
        asked = state.request_for_model(page, picture, left)
        other = state.result_or_start(page, picture, asked)
    comparison = _comparison(page, picture, inspection, result, other)
    with st.container(key="result"):
        slider.show(comparison, kind=page.shared.settings.slider)
    with facts:
        if len(offered) > 1:
            keep_offered("left", state.BEFORE, offered)
            st.segmented_control(
                t("compare.label"),
                offered,
                required=True,
                format_func=lambda each: _left_label(page, picture, each),
                key="left",
                persist_state="session",
                wrap=True,
            )
        if asked is not None and other is None and asked in tab.errors:
            show_error(tab.errors[asked], t)
        st.caption(" · ".join([*facts_of(result, t), *_automatic(result, inspection, t)]))
        for code in inspection.notes:
            st.caption(t(f"note.{code}"))
        show_how_made(page, picture, result)


def _comparison(
    page: Page,
    picture: InputFile,
    inspection: Inspection,
    result: Enhanced,
    other: Enhanced | None,
) -> Comparison:
    """Compare a result with an `other` of the same picture, or with the picture itself."""
    t, upscaled = page.t, result.upscaled
    width, height = inspection.size
    key = "" if page.tab.shown is None else page.tab.shown.key
    if other is None:
        left = inspection.side.read()
        labels = (
            t("slider.label_before", width=width, height=height),
            t("slider.label_after", width=upscaled.width, height=upscaled.height),
        )
        before = detail_address(page, picture, result, side=state.BEFORE)
    else:
        key += f"-{other.upscaled.model}-{other.upscaled.detail}"
        left = other.side.read()
        labels = (model_label(other.upscaled.model, t), model_label(upscaled.model, t))
        before = detail_address(page, picture, other)
    return Comparison(
        left=left,
        right=result.side.read(),
        labels=labels,
        texts=t.section("slider") | t.section("unit"),
        key=key,
        version="done",
        subject=picture.digest,
        details=(before, detail_address(page, picture, result)),
        start=start_view(picture, inspection, upscaled.width / width),
        is_pixelated=inspection.is_pixel_art,
        sweeps=True,
    )


def _left_label(page: Page, picture: InputFile, left: str) -> str:
    """Name the possible partners, with the time if one is not made yet."""
    t, shared = page.t, page.shared
    if left == state.BEFORE:
        return t("slider.before")
    label = model_label(left, t)
    request = state.request_for_model(page, picture, left)
    if work.result(shared, page.tab, picture, request) is not None:
        return label
    size = intake.inspect(shared, page.tab, picture).size
    return f"{label} · {t.about(expectations.estimate(shared, size, request).total)}"


def show_making(
    page: Page,
    picture: InputFile,
    inspection: Inspection,
    request: EnhanceRequest,
    live: Live,
    previous: Result | None,
) -> None:
    """Draw a result that is being made: a first look, and finished pieces over it.

    Until then the `previous` result of the picture is shown, or the picture itself. Where nothing
    is painted over it, a first look is seen best as a whole.
    """
    t, (width, height) = page.t, inspection.size
    name = t("slider.label_before", width=width, height=height)
    comparison = Comparison(
        left=inspection.side.read(),
        right=previous.side.read() if isinstance(previous, Enhanced) else None,
        size=live.size,
        labels=(name, t("slider.label_making")),
        texts=t.section("slider") | t.section("unit"),
        key=request.key,
        version="making",
        is_pixelated=inspection.is_pixel_art,
        subject=picture.digest,
        live=f"{LIVE_PATH}/{live.secret}",
        start=start_view(picture, inspection, live.size[0] / width) if live.job else None,
    )
    with st.container(key="result"):
        slider.show(comparison, kind=page.shared.settings.slider)


def can_show_making(page: Page) -> bool:
    """Return whether the configured slider can show unfinished results."""
    return page.shared.settings.slider == "builtin"


def start_view(picture: InputFile, inspection: Inspection, scale: float) -> Start | None:
    """Return the place where the difference is visible at once."""
    if picture.sample:
        place = samples()[picture.sample].start
        return None if place is None else Start(x=place[0], y=place[1], zoom=place[2] / scale)
    x, y = inspection.detailed
    return Start(x=x, y=y, zoom=OWN_ZOOM / scale)


def detail_address(page: Page, picture: InputFile, result: Enhanced, *, side: str = "after") -> str:
    """Return the address of the pieces of a result, or of its original."""
    secret = state.download(page.shared, page.tab, picture, result).secret
    return f"{DETAIL_PATH}/{secret}/{side}"


def show_saver(page: Page, picture: InputFile, result: Enhanced, *, key: str = "") -> None:
    """Draw the save menu; a file that is gone from the server is made again."""
    t = page.t
    download = state.download(page.shared, page.tab, picture, result)
    inspection = intake.inspect(page.shared, page.tab, picture)
    names = sorted(result.formats, key=lambda name: name != download.format)
    formats = [FORMATS[name] for name in names]
    is_single = len(formats) == 1
    saver(
        {
            "address": f"{RESULT_PATH}/{download.secret}",
            "formats": [
                {
                    "name": each.name,
                    "label": each.label,
                    "file": download.file_name(each.name),
                    "quality": each.default_quality,
                    "note": t("save.white") if inspection.has_alpha and not each.has_alpha else "",
                }
                for each in formats
            ],
            "canChooseQuality": not is_single,
            "keep": _kept(inspection, t),
            "note": " ".join(_save_notes(result, inspection, t)),
            "language": t.language,
            "texts": t.section("save") | t.section("unit"),
        },
        key=f"saver{key}",
    )


def _kept(inspection: Inspection, t: Texts) -> str:
    """Say what can be kept; "" if the original has nothing of the kind."""
    taken, dpi = inspection.kept.taken, inspection.kept.dpi
    words = [t.date(taken)] if taken else []
    if dpi is not None:
        words.append(t("save.dpi", dpi=" × ".join(map(str, dict.fromkeys(dpi)))))
    if inspection.kept.rights:
        words.append(t("save.rights"))
    return t("save.keep", what=", ".join(words)) if words else ""


def _save_notes(result: Enhanced, inspection: Inspection, t: Texts) -> list[str]:
    """Say why there is only one format, and what the file lacks of the original."""
    upscaled, notes = result.upscaled, []
    if len(result.formats) == 1:
        size = expected_bytes(upscaled.width * upscaled.height, inspection, format="png")
        notes.append(t(f"save.only_{result.formats[0]}", size=t.file_size(round(size))))
    if inspection.has_place or inspection.has_camera:
        notes.append(t("save.removed"))
    return notes


def facts_of(result: Enhanced, t: Texts) -> list[str]:
    """Return size, time, clean-up and detail of a result."""
    upscaled = result.upscaled
    width, height = upscaled.lr_size
    found = [
        t(
            "fact.sizes",
            width=width,
            height=height,
            new_width=upscaled.width,
            new_height=upscaled.height,
        ),
        t.duration(upscaled.seconds),
    ]
    if upscaled.cleanup:
        found.append(t("fact.cleanup", percent=upscaled.cleanup))
    if upscaled.detail is not None:
        found.append(t("fact.detail", percent=upscaled.detail))
    if isinstance(upscaled, RemoteUpscaled):
        found += [t("fact.cloud"), traffic(upscaled, t)]
    return found


def _automatic(result: Enhanced, inspection: Inspection, t: Texts) -> list[str]:
    """Say which tier was chosen for the visitor."""
    if st.session_state.get("model") != AUTO:
        return []
    chosen = automatic_tier(inspection)
    if chosen != result.upscaled.model:  # an older result, until the next one replaces it
        return []
    return [t("automatic.chosen", tier=model_label(chosen, t))]


def traffic(upscaled: RemoteUpscaled, t: Texts) -> str:
    """List what was sent over the network."""
    sent, received = t.file_size(upscaled.bytes_sent), t.file_size(upscaled.bytes_received)
    key = "fact.traffic_two_tries" if upscaled.attempts > 1 else "fact.traffic"
    return t(key, sent=sent, received=received)
