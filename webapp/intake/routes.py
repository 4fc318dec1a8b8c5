"""Messages to a tab: uploads, links, the file names of a folder, and its end."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from urllib.parse import unquote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from backend.errors import RequestError, SlowRequestError, SuperResolutionError
from backend.http.transfer import pieces_of
from backend.images.filenames import pictures_among
from webapp.base.errors import EmptyFileError, PageError
from webapp.intake.links import follow
from webapp.intake.picker import ADDRESSES
from webapp.intake.pictures import InputFile
from webapp.settings import PageSettings
from webapp.shared import Shared
from webapp.tabs import Tab

LONGEST_NAME = 255
LONGEST_LINK = 2**14
LONGEST_TOKEN = 64
LONGEST_LIST = 2**20
"""The most bytes of the names of a folder's files."""


async def upload(request: Request, shared: Shared) -> Response:
    """Receive a picture of a tab."""
    tab = shared.tabs.find(request.headers.get("X-Tab", ""))
    if tab is None:
        return JSONResponse({"error": "tab_unknown"}, status_code=403)
    name = unquote(request.headers.get("X-Name", ""))[:LONGEST_NAME]
    try:
        picture = await receive(request, name=name, tab=tab, shared=shared)
    except SuperResolutionError as exc:
        return _refusal(exc)
    return JSONResponse({"digest": picture.digest})


async def link(request: Request, shared: Shared) -> Response:
    """Fetch the picture behind a link for a tab.

    A refusal is told as any other answer, since a browser's console complains about errors.
    """
    tab = shared.tabs.find(request.headers.get("X-Tab", ""))
    if tab is None:
        return JSONResponse({"error": "tab_unknown"}, status_code=403)
    try:
        url = await _body(request, limit=LONGEST_LINK, what="link", settings=shared.settings)
        make = partial(follow, shared, tab, url.decode(errors="replace"))
        picture = await to_thread.run_sync(make, limiter=shared.links)
    except SuperResolutionError as exc:
        return JSONResponse({"error": _name(exc)})
    return JSONResponse({"digest": picture.digest})


async def folder(request: Request, shared: Shared) -> Response:
    """Return which files of a folder are pictures, by their indexes."""
    if shared.tabs.find(request.headers.get("X-Tab", "")) is None:
        return JSONResponse({"error": "tab_unknown"}, status_code=403)
    try:
        names = await receive_names(request, settings=shared.settings)
    except SuperResolutionError as exc:
        return _refusal(exc)
    chosen = set(pictures_among(names))
    return JSONResponse({"pictures": [n for n, name in enumerate(names) if name in chosen]})


async def leave(request: Request, shared: Shared) -> Response:
    """Note that the tab whose token is the body is closed or reloaded."""
    try:
        token = await _body(request, limit=LONGEST_TOKEN, what="token", settings=shared.settings)
        shared.tabs.leave(token.decode(errors="replace"))
    except SuperResolutionError as exc:
        return _refusal(exc)
    return Response(status_code=204)


ROUTES = tuple(("POST", ADDRESSES[each.__name__], each) for each in (upload, link, folder, leave))


def _refusal(error: SuperResolutionError) -> Response:
    """Return the answer that ends the connection: the rest of the body is not read."""
    headers = {"Connection": "close"}
    return JSONResponse({"error": _name(error)}, status_code=error.status, headers=headers)


def _name(error: SuperResolutionError) -> str:
    return error.key if isinstance(error, PageError) else error.code


async def _body(request: Request, *, limit: int, what: str, settings: PageSettings) -> bytes:
    """Return a short body; raise SuperResolutionError if it is too long or too slow."""
    pieces = pieces_of(request, limit=limit, what=what, settings=settings)
    return b"".join([piece async for piece in pieces])


async def receive(request: Request, *, name: str, tab: Tab, shared: Shared) -> InputFile:
    """Stream the body to disk within all limits; the next run of the page opens it.

    An upload that is too slow, or whose tab was closed, ends.
    """
    limit = shared.settings.max_image_bytes
    digest = hashlib.sha256()
    pieces = pieces_of(request, limit=limit, what="picture", settings=shared.settings)
    with tab.upload() as upload, shared.disk.writing() as writer:
        async for piece in pieces:
            if shared.tabs.find(tab.token) is not tab:
                raise SlowRequestError
            upload.take(len(piece))
            digest.update(piece)
            writer.write(piece)
        if writer.nbytes == 0:
            raise EmptyFileError()
        picture = InputFile(name=name, digest=digest.hexdigest(), file=writer.close())
        upload.is_finished = True
    tab.add(picture)
    return picture


async def receive_names(request: Request, *, settings: PageSettings) -> list[str]:
    """Return the list of texts in the body; raise SuperResolutionError if it is none."""
    body = await _body(request, limit=LONGEST_LIST, what="list", settings=settings)
    try:
        names = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise RequestError("The body is not JSON.") from exc
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RequestError("The body is no list of names.")
    return names
