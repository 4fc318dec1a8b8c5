"""Sizes in words, and the fields for a size that the list does not have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from backend import SuperResolutionError, UpscaleOptions
from backend.errors import ImageTooLargeError, RequestError
from backend.sizes import MAX_CENTIMETRES, MAX_PIXELS_A_SIDE, ExactSize, size_from
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
        try:
            words = _meaning(draft, inspection, options, expect=expect, t=t)
        except SuperResolutionError as exc:
            error = _refusal(draft, exc, page=page, inspection=inspection, options=options)
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
    draft: str,
    inspection: Inspection,
    options: UpscaleOptions,
    *,
    expect: Callable[[UpscaleOptions], float],
    t: Texts,
) -> str:
    """Say what a result of this size is; raise why it cannot be made."""
    asked = replace(options, size=size_from(draft))
    found = described_size(inspection, asked, expect(asked), t)
    width, height = state.result_size(inspection.size, asked)
    megapixels = t.number(round(width * height / 1e6, 1 if width * height >= 100_000 else 3))
    return t("size.says", megapixels=megapixels, **found)


def _refusal(
    draft: str,
    error: SuperResolutionError,
    *,
    page: Page,
    inspection: Inspection,
    options: UpscaleOptions,
) -> str:
    """Explain why there is no such size."""
    t, size = page.t, _size_or_none(draft)
    if size is None:
        is_print = draft.startswith("print")
        most = MAX_CENTIMETRES if is_print else MAX_PIXELS_A_SIDE
        return t("size.not_print" if is_print else "size.not_pixels", most=most)
    if isinstance(error, ImageTooLargeError):
        width, height = size.of(inspection.size)
        return t("size.too_large", width=width, height=height)
    scales = page.shared.engine.models[options.model or ""]
    return t("size.too_many_times", times=max(scales) ** 2)


def _size_or_none(name: str) -> ExactSize | None:
    try:
        return size_from(name)
    except RequestError:
        return None
