"""Sizes in words, and the fields for a size that the list does not have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from backend import SuperResolutionError, UpscaleOptions
from backend.errors import ImageTooLargeError, RequestError
from backend.sizes import MAX_CENTIMETRES, MAX_PIXELS_A_SIDE, size_from
from webapp.base.texts import Texts
from webapp.intake.pictures import Inspection
from webapp.options import state
from webapp.shared import Page

DRAFT = "size_draft"
"""The session key of the size in the fields."""
KINDS = ("width", "height", "fit", "print")


def scale_label(options: UpscaleOptions, t: Texts) -> str:
    """Name a size in few words."""
    size = options.size
    if size is None:
        return t("option.factor", factor=options.scale) if options.scale > 1 else t("option.clean")
    if size == state.FOUR_K:
        return "4K"
    kind, _, value = size.name.partition("=")
    value = value.replace("x", " × ")
    if kind == "factor":
        return t("option.factor", factor=size.factor)
    return t("option.print", size=value) if kind == "print" else t(f"size.of_{kind}", size=value)


def described_size(
    inspection: Inspection, options: UpscaleOptions, seconds: float, t: Texts
) -> dict[str, object]:
    """Return a result's pixels, bytes and time, in words."""
    width, height = state.result_size(inspection.size, options)
    size = state.expected_bytes(width * height, inspection, format=inspection.format)
    return {
        "width": width,
        "height": height,
        "size": t.file_size(round(size)),
        "time": t.about(seconds),
    }


def other_size(
    page: Page,
    inspection: Inspection,
    options: UpscaleOptions,
    *,
    expect: Callable[[UpscaleOptions], float],
) -> dict[str, object]:
    """Return the fields for any size, with words about their content; see `other.js`."""
    t, draft = page.t, str(st.session_state.get(DRAFT, ""))
    words, error = "", ""
    if draft:
        words, error = _meaning(page, draft, inspection, options, expect=expect)
    width, height = state.result_size(inspection.size, options)
    values = {"width": f"{width}", "height": f"{height}", "fit": "1920x1080", "print": "18x13"}
    if options.size is not None:
        kind, _, value = options.size.name.partition("=")
        values[kind] = value
    return {
        "draft": draft,
        "words": words,
        "error": error,
        "values": values,
        "kinds": [{"value": each, "label": t(f"size.{each}")} for each in KINDS],
        "texts": t.section("size"),
    }


def _meaning(
    page: Page,
    draft: str,
    inspection: Inspection,
    options: UpscaleOptions,
    *,
    expect: Callable[[UpscaleOptions], float],
) -> tuple[str, str]:
    """Return what a result of this size is, and why there is none; one of them is empty."""
    t = page.t
    try:
        size = size_from(draft)
    except RequestError:
        is_print = draft.startswith("print")
        most = MAX_CENTIMETRES if is_print else MAX_PIXELS_A_SIDE
        return "", t("size.not_print" if is_print else "size.not_pixels", most=most)
    asked = replace(options, size=size)
    width, height = size.of(inspection.size)
    try:
        found = described_size(inspection, asked, expect(asked), t)
    except ImageTooLargeError:
        return "", t("size.too_large", width=width, height=height)
    except SuperResolutionError:
        scales = page.shared.engine.models[options.model or ""]
        return "", t("size.too_many_times", times=max(scales) ** 2)
    megapixels = t.number(round(width * height / 1e6, 1 if width * height >= 100_000 else 3))
    return t("size.says", megapixels=megapixels, **found), ""
