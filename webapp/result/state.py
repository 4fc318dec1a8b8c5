"""The addresses of a tab's results, and the partners for comparison."""

from __future__ import annotations

import weakref
from dataclasses import replace

import streamlit as st

from backend.engine import Upscaled
from backend.models.registry import PIXELS
from backend.options import AUTO
from webapp.intake import state as intake
from webapp.intake.pictures import InputFile, image_from
from webapp.options import state as options
from webapp.result.downloads import Archive, Download
from webapp.shared import Page, Shared
from webapp.tabs import Tab
from webapp.work import state as work
from webapp.work.enhance import Enhanced, EnhanceRequest, Place

BEFORE = "before"


def download(shared: Shared, tab: Tab, picture: InputFile, result: Enhanced) -> Download:
    """Return the address of a result, opened once for those to whom the picture belongs."""
    owner = intake.owner(shared, tab, picture)
    key, pictures = id(result), owner.pictures
    if key not in owner.downloads:
        inspection = intake.inspect(shared, tab, picture)
        opened = Download(
            name=picture.name,
            scale=size_in_names(result.upscaled),
            # Without the tab itself, which would make a reference cycle with its files.
            neighbours=lambda: [each.name for each in list(pictures.values())],
            result=result,
            disk=shared.disk,
            original=lambda: image_from(
                shared.decode(picture.file.read(), max_side=shared.settings.max_side)
            ),
            natural=inspection.format,
            kept=inspection.kept,
            is_chroma_halved=inspection.is_chroma_halved,
        )
        shared.downloads[opened.secret] = opened
        weakref.finalize(opened, shared.decoded.forget, opened.secret)
        owner.downloads[key] = opened
    return owner.downloads[key]


def size_in_names(upscaled: Upscaled) -> str:
    """Return `x2` for a whole factor, and `WIDTHxHEIGHT` for any other size."""
    width, height = upscaled.lr_size
    factor = max(1, round(upscaled.width / width))
    if (width * factor, height * factor) == (upscaled.width, upscaled.height):
        return f"x{factor}"
    return f"{upscaled.width}x{upscaled.height}"


def archive(page: Page) -> Archive:
    """Return the address of all results of a tab's own pictures, opened once."""
    tab, shared = page.tab, page.shared
    if tab.archive is None:

        def downloads() -> list[Download]:
            # The newest result of each picture.
            newest = {request.digest: result for request, result in tab.results().items()}
            return [
                download(shared, tab, tab.pictures[digest], result)
                for digest, result in newest.items()
                if digest in tab.pictures and isinstance(result, Enhanced)
            ]

        tab.archive = Archive(downloads=downloads)
        shared.archives[tab.archive.secret] = tab.archive
    return tab.archive


def left_choices(shared: Shared, result: Enhanced) -> list[str]:
    """Return the partners of a result: its input, and other tiers at its scale."""
    upscaled = result.upscaled
    others = [
        name
        for name in options.tiers(shared)
        if name not in (AUTO, PIXELS, upscaled.model)
        and upscaled.scale in shared.engine.models[name]
    ]
    return [BEFORE, *others]


def request_for_model(page: Page, picture: InputFile, model: str) -> EnhanceRequest:
    """Return the request for another tier's result of the shown picture."""
    assert page.tab.shown is not None
    shown = page.tab.shown
    name = options.scale_name(shown.options)
    choices = options.Choices(
        model=model,
        scale=int(name) if name.isdigit() else name,
        cleanup=shown.options.cleanup,
        detail=st.session_state.get("detail"),
    )
    inspection = intake.inspect(page.shared, page.tab, picture)
    resolved = options.resolve(page.shared, choices, inspection)
    return replace(shown, options=resolved, place=Place.LOCAL)


def result_or_start(page: Page, picture: InputFile, other: EnhanceRequest) -> Enhanced | None:
    """Return a result to compare with, which is made if it does not exist.

    For new work the page is drawn again: the bar above listens for its end.
    """
    found = work.result(page.shared, page.tab, picture, other)
    if found is None and other not in page.tab.errors:
        is_new = other not in page.tab.jobs
        work.start_and_wait(page, picture, other)
        found = work.result(page.shared, page.tab, picture, other)
        if found is None and is_new:
            st.rerun()
    return found if isinstance(found, Enhanced) else None
