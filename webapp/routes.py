"""The page's own HTTP: uploads in, results out; each address has a token that cannot be guessed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Callable
from functools import partial
from urllib.parse import quote, unquote

import anyio
from anyio import to_thread
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from backend.errors import (
    PayloadTooLargeError,
    RequestError,
    SlowRequestError,
    SuperResolutionError,
)
from backend.http.pace import Pace
from backend.images.formats import FORMATS
from webapp.base.errors import EmptyFileError, PageError
from webapp.base.filenames import download_name
from webapp.intake.picker import UPLOAD_PATH
from webapp.intake.pictures import InputFile
from webapp.result.paths import ARCHIVE_PATH, DETAIL_PATH, RESULT_PATH
from webapp.result.state import piece
from webapp.result.zoom import TILE_SIDE
from webapp.shared import Shared
from webapp.tabs import Tab
from webapp.work.routes import PRIVATE, create_live_routes

ARCHIVE_NAME = "super-resolution.zip"
LONGEST_NAME = 255
QUALITY = re.compile("[1-9][0-9]?|100")
MAX_ENCODERS = 2
"""Files that are made for a download at a time, of all visitors."""
MAX_WAITING = 16
"""Requests that wait for another file of the same result."""
RETRY_SECONDS = 5


def create_routes(get_shared: Callable[[], Shared], *, base: str = "") -> list[Route]:
    """Make the routes below the page's `base` path.

    `get_shared` is asked at each request: it raises while the settings are wrong.
    """
    encoders = anyio.CapacityLimiter(MAX_ENCODERS)

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
            # Whatever is left of the body is not read.
            headers = {"Connection": "close"}
            return JSONResponse({"error": key}, status_code=exc.status, headers=headers)
        return JSONResponse({"digest": picture.digest})

    async def result(request: Request) -> Response:
        shared = get_shared()
        download = shared.downloads.get(request.path_params["secret"])
        if download is None:
            if request.method == "HEAD":  # the page asks, and has no reason to complain
                return Response(status_code=204)
            return Response("This result is gone.", status_code=410, media_type="text/plain")
        file_format = request.path_params["format"]
        quality = request.query_params.get("quality")
        if file_format not in download.formats or not _is_quality(quality):
            return Response(status_code=404)
        if download.turn.statistics().tasks_waiting >= MAX_WAITING:
            return Response(status_code=503, headers={"Retry-After": str(RETRY_SECONDS)})
        async with download.turn:  # one result's files are made one after the other
            if await request.is_disconnected():
                return Response(status_code=499)
            make = partial(
                download.file,
                file_format,
                quality=None if quality is None else int(quality),
                keeps=request.query_params.get("keep") == "1",
            )
            file = await to_thread.run_sync(make, limiter=encoders)
        name = download_name(download.name, scale=download.scale, format=file_format)
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "Content-Length": str(file.nbytes),
            **PRIVATE,
        }
        chunks = iterate_in_threadpool(file.chunks())
        media_type = FORMATS[file_format].media_type
        return StreamingResponse(chunks, media_type=media_type, headers=headers)

    async def detail(request: Request) -> Response:
        shared = get_shared()
        found = shared.downloads.get(request.path_params["secret"])
        if found is None:
            return Response(status_code=410)
        name, column, row = (request.path_params[each] for each in ("side", "column", "row"))
        upscaled = found.result.upscaled
        sizes = {"before": upscaled.lr_size, "after": (upscaled.width, upscaled.height)}
        width, height = sizes.get(name, (0, 0))
        if column * TILE_SIDE >= width or row * TILE_SIDE >= height:
            return Response(status_code=404)
        try:
            make = partial(piece, shared, found, name, column, row)
            data = await to_thread.run_sync(make, limiter=encoders)
        except SuperResolutionError as exc:
            return Response(status_code=exc.status)
        return Response(data, media_type="image/webp", headers=PRIVATE)

    async def archive(request: Request) -> Response:
        found = get_shared().downloads.get_archive(request.path_params["secret"])
        if found is None:
            return Response(status_code=410)
        headers = {"Content-Disposition": f"attachment; filename={ARCHIVE_NAME}"}
        chunks = iterate_in_threadpool(found.chunks())
        return StreamingResponse(chunks, media_type="application/zip", headers=headers)

    place = "{side}/{column:int}-{row:int}.webp"
    return [
        *create_live_routes(get_shared, base=base),
        Route(f"{base}/{DETAIL_PATH}/{{secret}}/{place}", detail, methods=["GET"]),
        Route(f"{base}/{ARCHIVE_PATH}/{{secret}}.zip", archive, methods=["GET"]),
        Route(f"{base}/{UPLOAD_PATH}", upload, methods=["POST"]),
        Route(f"{base}/{RESULT_PATH}/{{secret}}.{{format}}", result, methods=["GET", "HEAD"]),
    ]


async def receive(request: Request, *, name: str, tab: Tab, shared: Shared) -> InputFile:
    """Stream the body to disk within every bound; the tab shows the picture from then on.

    An upload that is too slow, or whose tab was closed, ends.
    """
    limit = shared.settings.max_image_bytes
    digest = hashlib.sha256()
    pace = Pace(shared.settings)
    chunks = aiter(request.stream())
    with tab.upload() as upload, shared.disk.writing() as writer:
        while chunk := await _next(chunks, seconds=pace.seconds_left(writer.nbytes)):
            if writer.nbytes + len(chunk) > limit:
                raise PayloadTooLargeError.over(limit, what="picture")
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
    return picture


async def _next(chunks: AsyncIterator[bytes], *, seconds: float) -> bytes:
    """Return the next piece of a body, empty at its end; SlowRequestError or RequestError."""
    try:
        with anyio.fail_after(max(0.0, seconds)):
            return await anext(chunks, b"")
    except TimeoutError as exc:
        raise SlowRequestError from exc
    except ClientDisconnect as exc:
        raise RequestError("The upload ended before it was complete.") from exc


def _is_quality(text: str | None) -> bool:
    return text is None or QUALITY.fullmatch(text) is not None
