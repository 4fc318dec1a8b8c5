"""The pictures behind links."""

from __future__ import annotations

from backend.errors import (
    RequestError,
    SourceNotAllowedError,
    SourceNotFoundError,
    SourceTimeoutError,
    SourceUnreachableError,
)
from backend.options import UpscaleOptions
from backend.requests.parsing import UpscaleRequest
from webapp.base.errors import EmptyFileError
from webapp.base.filenames import name_from_link
from webapp.intake.pictures import InputFile
from webapp.shared import Shared
from webapp.tabs import Tab

LINK_ERRORS = (
    SourceNotAllowedError,
    SourceNotFoundError,
    SourceTimeoutError,
    SourceUnreachableError,
)


def follow(shared: Shared, tab: Tab, url: str) -> InputFile:
    """Add the picture behind a link to a tab; raise as `fetch`, or TooManyPicturesError."""
    with tab.upload() as upload:
        data = fetch(shared, url)
        upload.take(len(data))
        name = name_from_link(url)
        picture = InputFile.from_bytes(data, name=name, disk=shared.disk, link=url)
        upload.is_finished = True
    tab.add(picture)
    return picture


def fetch(shared: Shared, url: str) -> bytes:
    """Return the file behind a link; raise SourceError, EmptyFileError and others."""
    request = UpscaleRequest(url=url, options=UpscaleOptions())
    try:
        data = shared.source.read(request, max_bytes=shared.settings.max_image_bytes)
    except RequestError as exc:  # which would speak of choices
        raise SourceNotAllowedError from exc
    if not data:
        raise EmptyFileError
    return data
