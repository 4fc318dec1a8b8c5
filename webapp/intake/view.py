"""The drop area, the visitor's pictures, the samples, and a picture before it is enhanced."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from backend.images.formats import INPUT_SUFFIXES, READABLE
from webapp.base.buttons import Button, buttons
from webapp.base.view import show_error
from webapp.intake import state
from webapp.intake.frame import frame
from webapp.intake.frame import picture as plain_picture
from webapp.intake.gallery import Item, gallery
from webapp.intake.picker import ADDRESSES, picker
from webapp.intake.pictures import InputFile, Inspection, webp_data_url
from webapp.intake.samples import samples
from webapp.shared import Page
from webapp.tabs import MAX_PICTURES

NO_IMAGE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
"""A transparent pixel, for a file that could not be read."""


def show_picker(page: Page) -> None:
    """Draw the drop area, which keeps in mind what is on the page."""
    settings, t = page.shared.settings, page.t
    pictures = page.tab.pictures
    shown = pictures.get(page.tab.current or "")
    formats = ", ".join(each.label for each in READABLE)
    size = t.limit(settings.max_image_bytes)
    is_private = page.shared.cloud is None
    texts = t.section("picker") | {
        "promise": t("picker.promise") if is_private else "",
        "kinds": t("picker.kinds", formats=formats, size=size),
    }
    lost = picker(
        {
            "token": page.tab.token,
            "refusedRestores": page.tab.refused_restores,
            "isForgotten": page.tab.is_forgotten,
            "digests": [each.uploaded for each in pictures.values()],
            "links": {each.uploaded: each.link for each in pictures.values() if each.link},
            "shown": "" if shown is None else shown.uploaded,
            "addresses": ADDRESSES,
            "maxFiles": MAX_PICTURES,
            "allowsLinks": settings.allow_web_sources,
            "accept": ",".join(["image/*", *INPUT_SUFFIXES]),
            "texts": texts,
        },
        on_arrival=page.tab.arrivals.append,
        on_restore=partial(state.restore, page),
    )
    tab = page.tab
    tab.awaits_pictures = not tab.is_begun and bool(lost) and lost != tab.token


def show_refusal(page: Page) -> None:
    """Say why the last file or link was refused."""
    tab = page.tab
    if tab.input_error is not None:
        show_error(tab.input_error, page.t, name=tab.refused_name)


def choose_own(page: Page, *, states: dict[str, tuple[str, str]]) -> None:
    """Draw the pictures of this visit, with the state of each."""
    tab, t = page.tab, page.t
    if not tab.pictures:
        return
    items = []
    for digest, picture in tab.pictures.items():
        inspection = tab.inspections.get(digest)
        image = inspection.thumbnail if isinstance(inspection, Inspection) else NO_IMAGE
        state_mark, description = states.get(digest, ("", ""))
        items.append(
            Item(
                id=digest,
                title=picture.name,
                image=image,
                state=state_mark,
                description=description,
            )
        )
    st.markdown(f"**{t('own.label')}**")
    gallery(
        items,
        chosen=tab.current or "",
        label=t("own.label"),
        key="own",
        on_choose=partial(state.choose_own, tab),
    )
    actions: list[tuple[str, str, Callable[[], None]]] = []
    if tab.current is not None and tab.current in tab.pictures:
        actions = [
            ("turn_left", "rotate_left", partial(state.turn, page, "left")),
            ("turn_right", "rotate_right", partial(state.turn, page, "right")),
            ("crop", "crop", partial(state.begin_crop, tab)),
            ("remove", "delete", partial(state.remove, page, tab.current)),
        ]
    if len(tab.pictures) > 1:
        actions.append(("remove_all", "delete_sweep", partial(state.remove_all, page)))
    shown = {
        name: Button(text=t(f"own.{name}"), icon=icon, kind="plain", act=act)
        for name, icon, act in actions
    }
    buttons(shown, key="own-actions", width="stretch")


def choose_sample(page: Page) -> None:
    """Draw the samples, with a line about the chosen one."""
    tab, t = page.tab, page.t
    items = [
        Item(id=each.file, title=t(f"sample.{each.name}.title"), image=each.thumbnail)
        for each in samples().values()
    ]
    st.markdown(f"**{t('sample.label')}**")
    is_shown = not (tab.current or tab.awaits_pictures)
    chosen = st.session_state.sample if is_shown else ""
    gallery(
        items,
        chosen=chosen,
        label=t("sample.label"),
        key="samples",
        is_folded=bool(tab.pictures),
        on_choose=partial(state.choose_sample, tab),
    )
    if is_shown:
        name = samples()[st.session_state.sample].name
        st.caption(t(f"sample.{name}.caption"))


def show_waiting(page: Page) -> None:
    """Say that the visitor's pictures come back."""
    with st.container(key="stage"):
        st.html(f'<p class="waiting" role="status">{page.t("wait.back")}</p>')


def show_preview(page: Page, picture: InputFile, inspection: Inspection) -> None:
    """Draw the original, as large as its result will be shown."""
    with st.container(key="stage"):
        image = webp_data_url(inspection.preview.read())
        plain_picture(
            image,
            alt=alternative_text(page, picture),
            key="preview",
            is_pixelated=inspection.is_pixel_art,
        )


def show_crop(page: Page, picture: InputFile, inspection: Inspection) -> None:
    """Draw a frame on the picture whose inside is gone on with.

    One that was shrunk is shown as it is, and the frame takes what the engine does of the original.
    """
    t, original = page.t, picture.original
    size = inspection.size if original is None else original.size
    width, height = size
    most = page.shared.settings.max_side
    part = (
        (max(1, round(0.8 * width)), max(1, round(0.8 * height)))
        if original is None
        else (min(width, most), min(height, most))
    )
    shown = {
        "cut": Button(text=t("crop.cut"), kind="main", act=partial(state.ask_to_cut, page.tab)),
        "cancel": Button(text=t("own.cancel"), act=partial(state.end_crop, page.tab)),
    }
    buttons(shown, key="crop-actions", width="stretch")
    box = frame(
        webp_data_url(inspection.preview.read()),
        size=size,
        frame=part,
        alt=alternative_text(page, picture),
        label=t("own.crop_frame" if original is None else "crop.frame"),
        key=f"crop-{picture.digest}",
        is_pixelated=inspection.is_pixel_art,
        on_cancel=partial(state.end_crop, page.tab),
        can_resize=original is None,
    )
    if page.tab.is_cutting:
        with st.spinner(t("wait.opening")):
            state.crop(page, picture, box)
        st.rerun()


def tell_shrunk(page: Page, picture: InputFile) -> None:
    """Say that the picture was larger, and what to do for every pixel of a part."""
    if picture.original is not None:
        width, height = picture.original.size
        most = page.shared.settings.max_side
        st.caption(page.t("crop.shrunk", width=width, height=height, max_side=most))


def alternative_text(page: Page, picture: InputFile) -> str:
    """Name a picture: a sample by its title, an own one by its file name."""
    if picture.sample:
        return page.t(f"sample.{samples()[picture.sample].name}.title")
    return picture.name


def open_picture(page: Page, picture: InputFile) -> Inspection:
    """Open the picture, with a message if that takes a while."""
    if state.is_open(page, picture):
        return state.inspect(page.shared, page.tab, picture)
    with st.spinner(page.t("wait.opening")):
        return state.inspect(page.shared, page.tab, picture)
