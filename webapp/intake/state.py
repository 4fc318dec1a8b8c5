"""The pictures of a tab: received, opened once, chosen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st
from streamlit.runtime.scriptrunner import RerunException, get_script_run_ctx

from backend import SuperResolutionError
from backend.engine import Box
from backend.errors import ImageTooLargeError, PayloadTooLargeError, UnsupportedMediaTypeError
from backend.inference.allocator import give_back_memory
from webapp.base.errors import (
    EmptyFileError,
    LinkWithoutPictureError,
    StorageFullError,
    TooManyPicturesError,
    UploadFailedError,
)
from webapp.intake.large_picture import cut, decode_large, shrink_to_fit, turned_file
from webapp.intake.links import LINK_ERRORS
from webapp.intake.picker import Arrival
from webapp.intake.pictures import InputFile, Inspection
from webapp.intake.pictures import inspect as inspect_file
from webapp.intake.samples import Sample, samples
from webapp.shared import Page, Shared
from webapp.tabs import MAX_PICTURES, MAX_UPLOAD_BYTES, Tab


def connect(shared: Shared) -> Tab:
    """Return the tab of this run; a new one on the first run, or if the old one is gone."""
    session_id = _session_id()
    tab = shared.tabs.restore(st.session_state.get("tab", ""), session_id=session_id)
    if tab is None:
        tab = shared.tabs.open(session_id)
        st.session_state.tab = tab.token
    return tab


def _session_id() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""


def restore(page: Page, token: str) -> None:
    """Take over the state that the browser's tab had before its reload."""
    if page.shared.tabs.restore(token, session_id=_session_id()) is not None:
        st.session_state.tab = token
    else:
        page.tab.refused_restores += 1
        page.tab.is_forgotten = page.shared.tabs.find(token) is None


def receive(page: Page) -> None:
    """Open what arrived through the drop area, and show it where the browser told of it."""
    tab = page.tab
    while tab.arrivals:
        arrival = tab.arrivals.pop(0)
        try:
            take(page, arrival)
        except RerunException:  # the next run of the page begins with it
            tab.arrivals.insert(0, arrival)
            raise
    # The browser has not told of the last ones yet, or was reloaded before.
    unopened = [each for each in tab.pictures.values() if each.digest not in tab.inspections]
    open_all(page, unopened, is_kept=True)


def take(page: Page, arrival: Arrival) -> None:
    """Show the first readable picture, unless another was chosen meanwhile; say what failed."""
    tab = page.tab
    tab.is_begun = True
    tab.has_several |= len(arrival.digests) > 1
    known = {each.uploaded: each for each in tab.pictures.values()}  # shrunk ones too
    pictures = [known[each] for each in arrival.digests if each in known]
    if pictures:
        tab.refused_name, tab.input_error = "", None
        tab.is_cropping &= arrival.is_late
    first = open_all(page, pictures, is_kept=len(pictures) > 1)
    if arrival.refused is not None:
        tab.refused_name, reason = arrival.refused
        tab.input_error = refusal(reason, max_bytes=page.shared.settings.max_image_bytes)
    if arrival.is_late:
        return
    tab.current = first or tab.current
    if arrival.shown is not None:
        digests = {each.uploaded: digest for digest, each in tab.pictures.items()}
        tab.current = digests.get(arrival.shown, tab.current if arrival.shown else None)


def open_all(page: Page, pictures: Sequence[InputFile], *, is_kept: bool) -> str | None:
    """Open pictures, say which cannot be read, and return the digest of the first that can.

    An unreadable one is forgotten unless it `is_kept`.
    """
    tab, first = page.tab, None
    if not pictures:
        return None
    with st.spinner(page.t("wait.opening")):
        for picture in pictures:
            try:
                opened = open_new(page, picture, is_kept=is_kept)
            except SuperResolutionError as exc:
                tab.refused_name = "" if picture.link else picture.name
                is_page = picture.link and isinstance(exc, UnsupportedMediaTypeError)
                tab.input_error = LinkWithoutPictureError() if is_page else exc
            else:
                first = first or opened.digest
    return first


def open_new(page: Page, picture: InputFile, *, is_kept: bool) -> InputFile:
    """Open a new picture, shrunk where the engine takes no more, and return it.

    Raise why it cannot be read, and forget it unless it `is_kept`.
    """
    tab = page.tab
    try:
        try:
            inspect(page.shared, tab, picture)
        except ImageTooLargeError:
            return shrink(page, picture)
    except SuperResolutionError as exc:
        tab.inspections[picture.digest] = exc
        if not is_kept:
            remove(page, picture.digest)
        raise
    return picture


def shrink(page: Page, picture: InputFile) -> InputFile:
    """Put the picture, shrunk to what the engine takes, in its own place."""
    tab, shared = page.tab, page.shared
    with shared.inspection_gate.turn():
        fitted, inspection = shrink_to_fit(
            picture, decode=shared.decode, max_side=shared.settings.max_side, disk=shared.disk
        )
    tab.replace(picture.digest, fitted)
    tab.inspections[fitted.digest] = inspection
    return fitted


def refusal(reason: str, *, max_bytes: int) -> SuperResolutionError:
    """Return the error for the reason that the upload route gave to the browser."""
    errors: dict[str, SuperResolutionError] = {
        PayloadTooLargeError.code: PayloadTooLargeError.over(max_bytes, what="picture"),
        **{each.code: each() for each in LINK_ERRORS},
        EmptyFileError.key: EmptyFileError(),
        StorageFullError.key: StorageFullError(),
        TooManyPicturesError.key: TooManyPicturesError(
            max_pictures=MAX_PICTURES, max_bytes=MAX_UPLOAD_BYTES
        ),
    }
    return errors.get(reason, UploadFailedError())


def _let_arrive_late(tab: Tab) -> None:
    """Keep on the page what the visitor chooses now, whatever is still under way."""
    tab.is_begun = True
    for arrival in tab.arrivals:
        arrival.is_late = True


def choose_own(tab: Tab, digest: str) -> None:
    """Show the own picture that the visitor clicked."""
    _let_arrive_late(tab)
    tab.input_error, tab.is_cropping = None, False
    tab.current = digest


def choose_sample(tab: Tab, file: str) -> None:
    """Show the sample that the visitor clicked."""
    _let_arrive_late(tab)
    tab.input_error, tab.is_cropping = None, False
    tab.current = None
    st.session_state.sample = file


def remove(page: Page, digest: str) -> None:
    """Forget one of the visitor's pictures, and end its jobs."""
    _end_work(page, digest)
    page.tab.remove(digest)


def _exchange(page: Page, digest: str, picture: InputFile) -> None:
    """Show a picture in the place of one of the visitor's pictures."""
    _end_work(page, digest)
    page.tab.replace(digest, picture)
    page.tab.show(picture)


def _end_work(page: Page, digest: str) -> None:
    tab = page.tab
    for request in [each for each in tab.jobs if each.digest == digest]:
        tab.jobs.pop(request).release(visitor=tab.token)
    for request in [each for each in tab.errors if each.digest == digest]:
        del tab.errors[request]


def remove_all(page: Page) -> None:
    """Forget all of the visitor's pictures."""
    for digest in list(page.tab.pictures):
        remove(page, digest)


def turn(page: Page, towards: str) -> None:
    """Turn the picture by a quarter to the left or right, in its own place."""
    tab, shared = page.tab, page.shared
    if tab.current is None:
        return
    try:
        turned = turned_file(
            tab.pictures[tab.current],
            towards,
            decode=partial(shared.decode, max_side=shared.settings.max_side),
            disk=shared.disk,
        )
    except SuperResolutionError as exc:
        tab.input_error = exc
        return
    _exchange(page, tab.current, turned)


def begin_crop(tab: Tab) -> None:
    """Show a frame on the picture."""
    _let_arrive_late(tab)
    tab.is_cropping, tab.is_cutting = True, False


def ask_to_cut(tab: Tab) -> None:
    """Keep the visitor's request to cut until a run of the page knows the frame."""
    tab.is_cutting = True


def end_crop(tab: Tab) -> None:
    """Show the picture again."""
    tab.is_cropping = tab.is_cutting = False


def crop(page: Page, picture: InputFile, box: Box) -> None:
    """Go on with the part inside the box, of the original where the picture was shrunk."""
    tab, shared = page.tab, page.shared
    end_crop(tab)
    whole = picture.original.file if picture.original else picture
    with shared.inspection_gate.turn():
        part = cut(whole, decode_large(whole, decode=shared.decode), box, disk=shared.disk)
        give_back_memory()
    _exchange(page, picture.digest, part)


def current_picture(tab: Tab) -> InputFile:
    if tab.current is not None and tab.current in tab.pictures:
        return tab.pictures[tab.current]
    return sample_picture(samples()[st.session_state.sample])


def sample_picture(sample: Sample) -> InputFile:
    return InputFile(name=sample.file, digest=sample.digest, file=sample, sample=sample.file)


def owner(shared: Shared, tab: Tab, picture: InputFile) -> Tab:
    """Return the tab that owns a picture's results; those of samples belong to everyone."""
    return shared.samples if picture.sample else tab


def is_open(page: Page, picture: InputFile) -> bool:
    """Return whether the picture has been opened before."""
    return picture.digest in owner(page.shared, page.tab, picture).inspections


def inspect(shared: Shared, tab: Tab, picture: InputFile) -> Inspection:
    """Open a picture once, one at a time in the whole process; raise what the engine would."""
    inspections = owner(shared, tab, picture).inspections
    if picture.digest not in inspections:
        with shared.inspection_gate.turn():
            if picture.digest not in inspections:
                shared.engine.expect_first_look(tab.token)
                inspections[picture.digest] = _inspection_or_error(shared, picture)
    found = inspections[picture.digest]
    if isinstance(found, SuperResolutionError):
        raise found
    return found


def _inspection_or_error(shared: Shared, picture: InputFile) -> Inspection | SuperResolutionError:
    max_side = shared.settings.max_side
    try:
        return inspect_file(picture, decode=shared.decode, max_side=max_side, disk=shared.disk)
    except SuperResolutionError as exc:
        return exc
