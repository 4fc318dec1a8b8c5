"""A finished result: the comparison, what it is compared with, the save menu, the facts."""

from __future__ import annotations

from typing import cast

import streamlit as st

from backend.images.formats import FORMATS
from backend.options import AUTO
from webapp.base.filenames import download_stem
from webapp.base.texts import Texts
from webapp.base.view import show_error
from webapp.client.remote import RemoteUpscaled
from webapp.intake import state as intake
from webapp.intake.pictures import InputFile, Inspection
from webapp.options.state import automatic_tier
from webapp.options.view import keep_offered, model_label
from webapp.result import slider, state
from webapp.result.making import show_making
from webapp.result.paths import DETAIL_PATH, RESULT_PATH
from webapp.result.saver import saver
from webapp.shared import Page
from webapp.work import state as work
from webapp.work.enhance import Enhanced, EnhanceRequest
from webapp.work.progress import fraction, sentence


def show_result(page: Page, picture: InputFile, inspection: Inspection, result: Enhanced) -> None:
    """Draw the comparison, what it is compared with, the save menu, and facts."""
    t, shared, tab = page.t, page.shared, page.tab
    upscaled = result.upscaled
    width, height = inspection.size
    left = state.BEFORE
    offered = state.left_choices(shared, result)
    if st.session_state.get("left") in offered:
        left = st.session_state.left
    asked, other = None, None
    if left != state.BEFORE:
        asked = state.request_for_model(page, picture, left)
        other = state.result_or_start(page, picture, asked)
    size = {"width": upscaled.width, "height": upscaled.height}
    key = "" if tab.shown is None else tab.shown.key
    if other is None:
        blob, name = inspection.side.read(), t("slider.label_before", width=width, height=height)
        right = t("slider.label_after", **size)
        before = detail_address(page, picture, result, side=state.BEFORE)
    else:
        key += f"-{left}-{other.upscaled.detail}"
        blob, name = other.side.read(), model_label(left, t)
        right = model_label(upscaled.model, t)
        before = detail_address(page, picture, other)
    with st.container(key="result"):
        show_slider(
            page,
            blob,
            result.side.read(),
            labels=(name, right),
            key=key,
            details=(before, detail_address(page, picture, result)),
        )
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
        if asked is not None and other is None:
            _show_left_progress(page, asked, inspection)
        show_saver(page, picture, result)
        st.caption(" · ".join([*facts(result, t), *_automatic(result, inspection, t)]))
        if inspection.has_more_frames:
            st.caption(t("fact.first_frame"))
        show_making(page, picture, result)


def _left_label(page: Page, picture: InputFile, left: str) -> str:
    """Name what the result can be compared with, and the time where it is not made yet."""
    t, shared = page.t, page.shared
    if left == state.BEFORE:
        return t("slider.before")
    label = model_label(left, t)
    request = state.request_for_model(page, picture, left)
    if work.result(shared, page.tab, picture, request) is not None:
        return label
    size = intake.inspect(shared, page.tab, picture).size
    return f"{label} · {t.about(work.estimate(shared, size, request).total)}"


def _show_left_progress(page: Page, request: EnhanceRequest, inspection: Inspection) -> None:
    """Draw the progress of what the result is compared with; `watch_others` draws it again."""
    t, job = page.t, page.tab.jobs.get(request)
    if request in page.tab.errors:
        show_error(page.tab.errors[request], t)
    elif job is not None:
        estimate = work.estimate(page.shared, inspection.size, request)
        share = min(1.0, fraction(job.state, estimate=estimate))
        st.progress(share, text=sentence(job.state, estimate=estimate, t=t))
        st.button(
            t("stop.ask"),
            icon=":material/close:",
            key="stop-left",
            on_click=state.stop_left,
            args=(page, request),
        )


def show_slider(
    page: Page,
    left: bytes,
    right: bytes,
    *,
    labels: tuple[str, str],
    key: str,
    details: tuple[str, str] | None = None,
) -> None:
    """Draw the comparison of two sides."""
    slider.show(
        left,
        right,
        labels=labels,
        texts=page.t.section("slider"),
        key=key,
        kind=cast(slider.Kind, page.shared.settings.slider),
        sweeps=True,
        details=details,
    )


def detail_address(page: Page, picture: InputFile, result: Enhanced, *, side: str = "after") -> str:
    """Return the address of the pieces of a result, or of what it was made from."""
    secret = state.download(page.shared, page.tab, picture, result).secret
    return f"{DETAIL_PATH}/{secret}/{side}"


def show_saver(page: Page, picture: InputFile, result: Enhanced, *, key: str = "") -> None:
    """Draw the save menu; a file that is gone from the server is made again."""
    t = page.t
    download = state.download(page.shared, page.tab, picture, result)
    inspection = intake.inspect(page.shared, page.tab, picture)
    formats = [FORMATS[name] for name in result.formats]
    is_single = len(formats) == 1
    is_gone = saver(
        {
            "address": f"{RESULT_PATH}/{download.secret}",
            "formats": [
                {
                    "name": each.name,
                    "label": each.label,
                    "suffix": each.suffix,
                    "quality": each.default_quality,
                }
                for each in formats
            ],
            "canChooseQuality": not is_single,
            "stem": download_stem(picture.name, scale=result.upscaled.scale),
            "keep": _kept(inspection, t),
            "note": " ".join(
                _save_notes(inspection, only=formats[0].name if is_single else "", t=t)
            ),
            "language": t.language,
            "texts": t.section("save") | t.section("unit"),
        },
        key=f"saver{key}",
    )
    if is_gone:
        st.rerun()


def _kept(inspection: Inspection, t: Texts) -> str:
    """Say what can be kept; "" where the original has nothing of the kind."""
    taken, dpi = inspection.kept.taken, inspection.kept.dpi
    words = [t.date(taken)] if taken else []
    if dpi is not None:
        words.append(t("save.dpi", dpi=dpi))
    return t("save.keep", what=", ".join(words)) if words else ""


def _save_notes(inspection: Inspection, *, only: str, t: Texts) -> list[str]:
    """Say why there is one format only, and what the file does not have of the original."""
    notes = [t(f"save.only_{only}")] if only else []
    notes.append(t("save.dropped"))
    if inspection.has_place:
        notes.append(t("save.dropped_place"))
    if inspection.has_camera:
        notes.append(t("save.dropped_camera"))
    return notes


def facts(result: Enhanced, t: Texts) -> list[str]:
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
    if chosen != result.upscaled.model:  # an older result, which the next one replaces
        return []
    return [t("automatic.chosen", tier=model_label(chosen, t))]


def traffic(upscaled: RemoteUpscaled, t: Texts) -> str:
    """Say what went over the line."""
    sent, received = t.file_size(upscaled.bytes_sent), t.file_size(upscaled.bytes_received)
    key = "fact.traffic_two_tries" if upscaled.attempts > 1 else "fact.traffic"
    return t(key, sent=sent, received=received)
