"""Uploads of a tab: pictures, and the file names of a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from urllib.parse import unquote

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backend.errors import (
    PayloadTooLargeError,
    RequestError,
    SlowRequestError,
    SuperResolutionError,
)
from backend.http.pace import Pace
from backend.images.filenames import pictures_among
from webapp.base.errors import EmptyFileError, PageError
from webapp.intake.picker import FOLDER_PATH, UPLOAD_PATH
from webapp.intake.pictures import InputFile
from webapp.settings import PageSettings
from webapp.shared import Shared
from webapp.tabs import Tab

LONGEST_NAME = 255
LONGEST_LIST = 2**20
"""The most bytes of the names of a folder's files."""


def create_upload_routes(get_shared: Callable[[], Shared], *, base: str = "") -> list[Route]:
    """Make the routes below the page's `base` path."""

    async def upload(request: Request) -> Response:
        shared = get_shared()
        tab = shared.tabs.find(request.headers.get("X-Tab", ""))
        if tab is None:
            return JSONResponse({"error": "tab_unknown"}, status_code=403)
        name = unquote(request.headers.get("X-Name", ""))[:LONGEST_NAME]
        try:
            picture = await receive(request, name=name, tab=tab, shared=shared)
        except SuperResolutionError as exc:
            key = exc.key if isinstance(exc, PageError) else exc.code
            # The rest of the body is not read.
            headers = {"Connection": "close"}
            return JSONResponse({"error": key}, status_code=exc.status, headers=headers)
        return JSONResponse({"digest": picture.digest})

    async def folder(request: Request) -> Response:
        """Return which files of a folder are pictures, by their indexes."""
        shared = get_shared()
        if shared.tabs.find(request.headers.get("X-Tab", "")) is None:
            return JSONResponse({"error": "tab_unknown"}, status_code=403)
        try:
            names = await receive_names(request, settings=shared.settings)
        except SuperResolutionError as exc:
            headers = {"Connection": "close"}
            return JSONResponse({"error": exc.code}, status_code=exc.status, headers=headers)
        chosen = set(pictures_among(names))
        return JSONResponse({"pictures": [n for n, name in enumerate(names) if name in chosen]})

    return [
        Route(f"{base}/{UPLOAD_PATH}", upload, methods=["POST"]),
        Route(f"{base}/{FOLDER_PATH}", folder, methods=["POST"]),
    ]


async def receive(request: Request, *, name: str, tab: Tab, shared: Shared) -> InputFile:
    """Stream the body to disk within all limits; the next run of the page opens it.

    An upload that is too slow, or whose tab was closed, ends.
    """
    limit = shared.settings.max_image_bytes
    digest = hashlib.sha256()
    chunks = _chunks(request, limit=limit, what="picture", settings=shared.settings)
    with tab.upload() as upload, shared.disk.writing() as writer:
        async for chunk in chunks:
            if shared.tabs.find(tab.token) is not tab:
                raise SlowRequestError
            upload.take(len(chunk))
            digest.update(chunk)
            writer.write(chunk)
        if writer.nbytes == 0:
            raise EmptyFileError()
        picture = InputFile(name=name, digest=digest.hexdigest(), file=writer.close())
        upload.is_finished = True
    tab.add(picture)
    tab.arrived.append(picture.digest)
    return picture


async def receive_names(request: Request, *, settings: PageSettings) -> list[str]:
    """Return the list of texts in the body; raise SuperResolutionError if it is none."""
    chunks = _chunks(request, limit=LONGEST_LIST, what="list", settings=settings)
    try:
        names = json.loads(b"".join([chunk async for chunk in chunks]))
    except (ValueError, RecursionError) as exc:
        raise RequestError("The body is not JSON.") from exc
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RequestError("The body is no list of names.")
    return names


async def _chunks(
    request: Request, *, limit: int, what: str, settings: PageSettings
) -> AsyncIterator[bytes]:
    """Yield the pieces of a body of at most `limit` bytes that comes fast enough."""
    pace, stream, nbytes = Pace(settings), aiter(request.stream()), 0
    while chunk := await _next(stream, seconds=pace.seconds_left(nbytes)):
        nbytes += len(chunk)
        if nbytes > limit:
            raise PayloadTooLargeError.over(limit, what=what)
        yield chunk


async def _next(chunks: AsyncIterator[bytes], *, seconds: float) -> bytes:
    """Return the next piece of a body, empty at its end; raise SlowRequestError or RequestError."""
    try:
        with anyio.fail_after(max(0.0, seconds)):
            return await anext(chunks, b"")
    except TimeoutError as exc:
        raise SlowRequestError from exc
    except ClientDisconnect as exc:
        raise RequestError("The upload ended before it was complete.") from exc
