"""The choices: model, scale, vividness, clean-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import streamlit as st

from backend import UpscaleOptions
from backend.images.jpeg_quality import cleanup_from_quality
from backend.models.manifest import FULL_DETAIL
from backend.models.registry import PHOTOGRAPHS, PIXELS
from backend.options import AUTO
from webapp.base.texts import Texts
from webapp.base.view import escape_markdown
from webapp.intake.pictures import Inspection
from webapp.options import state
from webapp.options.address import ADJUST, CLEANUPS, ESTIMATED, OFF
from webapp.options.other_size import DRAFT, described_size, other_size, scale_label
from webapp.options.scale import Choice
from webapp.options.scale import choose_scale as scale_list
from webapp.shared import Page

MIDDLE_CLEANUP = 40
MUCH_SLOWER = 2.0
"""The multiple of `photo`'s work above which a network's price is shown first."""
PROPER_NAMES = {
    "realesrgan-x4plus": "Real-ESRGAN",
    "realesrgan-x4plus-anime": "Real-ESRGAN Anime",
    "realesr-animevideov3": "Real-ESRGAN Anime Video",
}
"""The names of networks that can be added; the same in every language."""
DETAIL_STEP = 5
"""The step of Natural ↔ Vivid: each number is a network of its own, so there are few."""


def choose_options(page: Page, inspection: Inspection | None) -> state.Choices:
    """Draw the model if there is a choice, and the rarer options."""
    t, shared = page.t, page.shared
    models = state.tiers(shared)
    model = models[0]
    if len(models) > 1:
        keep_offered("model", model, models)
        st.segmented_control(
            t("option.model"),
            models,
            required=True,
            format_func=lambda name: _model_choice(page, name),
            key="model",
            width="stretch",
            wrap=True,
        )
        model = st.session_state.model
        if model == AUTO and inspection is not None:
            _tell_choice(inspection, t)
    _describe_other(page, model, max(shared.engine.models[model]))
    tier = state.automatic_tier(inspection) if model == AUTO and inspection is not None else model
    # With a key and a known state it stays open when something above it changes.
    more = st.expander(t("option.more"), icon=":material/tune:", key="more", on_change="rerun")
    with more:
        if tier in shared.engine.details and tier != AUTO:
            _choose_detail(shared.engine.details[tier], t)
        cleanup = _choose_cleanup(inspection, t)
    # Other pictures that are enhanced with this one may have the choice.
    detail = st.session_state.get("detail")
    scale = st.session_state.get("scale")
    return state.Choices(model=model, scale=scale, cleanup=cleanup, detail=detail)


def choose_scale(
    page: Page,
    inspection: Inspection,
    options: UpscaleOptions,
    *,
    seconds: Mapping[UpscaleOptions, float | None],
    expect: Callable[[UpscaleOptions], float] | None,
) -> None:
    """Draw the sizes with what each means in pixels, and in bytes and `seconds` until it is made.

    If other sizes are possible, `expect` returns their seconds or raises why not.
    """
    t = page.t
    labels = {}
    for each, time in seconds.items():
        size = described_size(inspection, each, time or 0.0, t)
        label = f"{scale_label(each, t)} · {size['width']} × {size['height']}"
        expected = "" if time is None else f" · {size['size']} · {size['time']}"
        labels[state.scale_name(each)] = label + expected
    chosen = state.scale_name(options)
    labels.setdefault(chosen, scale_label(options, t))  # which cannot be made of this picture

    def take(value: str) -> None:
        st.session_state.scale = int(value) if value.isdigit() else value

    scale_list(
        [Choice(value=name, label=label) for name, label in labels.items()],
        chosen=chosen,
        label=t("option.scale"),
        key="scales",
        on_choose=take,
        on_draft=partial(st.session_state.__setitem__, DRAFT),
        other=None if expect is None else other_size(page, inspection, options, expect=expect),
    )


def _choose_detail(default: int, t: Texts) -> None:
    keep_offered("detail", default, [default, *range(0, FULL_DETAIL + 1, DETAIL_STEP)])
    st.slider(
        t("detail.label"),
        min_value=0,
        max_value=FULL_DETAIL,
        step=DETAIL_STEP,
        key="detail",
        persist_state="session",
    )
    st.caption(t("detail.help"))


def _tell_choice(inspection: Inspection, t: Texts) -> None:
    kinds = {PHOTOGRAPHS: "photograph", PIXELS: "pixels"}
    st.caption(t(f"automatic.{kinds.get(state.automatic_tier(inspection), 'drawing')}"))


def keep_offered(key: str, value: object, offered: Sequence[object]) -> None:
    """Set a widget's first value, or reset it if its value is not offered any more."""
    if st.session_state.get(key) not in offered:
        st.session_state[key] = value


def model_label(name: str, t: Texts) -> str:
    """Name a tier for a visitor; the operator's own have only their names."""
    return t.get(f"model.{name}") or PROPER_NAMES.get(name) or name.replace("_", " ").capitalize()


def _model_choice(page: Page, name: str) -> str:
    """Name the tier, with its price if that deserves a warning."""
    slowness = state.slowness(page.shared, name, max(page.shared.engine.models[name]))
    t, label = page.t, model_label(name, page.t)
    if slowness is None or slowness < MUCH_SLOWER:
        return label
    return t("option.slow", name=label, factor=round(slowness))


def _describe_other(page: Page, name: str, scale: int) -> None:
    """Say who made a foreign network, and how slow it is."""
    t, spec = page.t, state.spec(page.shared, name, scale)
    if spec is None or not spec.source:
        return
    text = t("option.origin", credit=escape_markdown(spec.credit), license=spec.license)
    slowness = state.slowness(page.shared, name, scale)
    if slowness is not None and slowness >= MUCH_SLOWER:
        tier = model_label(PHOTOGRAPHS, t)
        text += " " + t("option.slower", factor=round(slowness), tier=tier)
    st.caption(text)


def _choose_cleanup(inspection: Inspection | None, t: Texts) -> int | None:
    keep_offered("cleanup", ESTIMATED, CLEANUPS)
    choice = st.segmented_control(
        t("cleanup.label"),
        CLEANUPS,
        required=True,
        format_func=lambda each: t(f"cleanup.{each}"),
        key="cleanup",
        width="stretch",
    )
    st.caption(t("cleanup.help"))
    if choice != ADJUST:
        return 0 if choice == OFF else None
    quality = inspection.jpeg_quality if inspection else None
    if "strength" not in st.session_state:
        is_jpeg = quality is not None
        st.session_state.strength = cleanup_from_quality(quality) if is_jpeg else MIDDLE_CLEANUP
    return int(st.slider(t("cleanup.strength"), min_value=0, max_value=100, key="strength"))
