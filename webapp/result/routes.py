"""The addresses of results: the files to save, the pieces of the zoom, the archive."""

from __future__ import annotations

import re
from functools import partial
from urllib.parse import quote

from anyio import to_thread
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from backend.errors import SuperResolutionError
from backend.images.formats import FORMATS
from webapp.result.downloads import ARCHIVE_PATH, DETAIL_PATH, RESULT_PATH
from webapp.result.zoom import TILE_SIDE, box_from
from webapp.shared import Shared
from webapp.work.routes import PRIVATE

ARCHIVE_NAME = "super-resolution.zip"
QUALITY = re.compile("[1-9][0-9]?|100")
MAX_WAITING = 16
"""Requests that may wait for another file of the same result."""
RETRY_SECONDS = 5


async def result(request: Request, shared: Shared) -> Response:
    """Send a result as a file of the format in the address."""
    download = shared.downloads.get(request.path_params["secret"])
    if download is None:
        if request.method == "HEAD":  # the page asks, so this is not an error
            return Response(status_code=204)
        return Response("This result is gone.", status_code=410, media_type="text/plain")
    file_format = request.path_params["format"]
    quality = request.query_params.get("quality")
    if file_format not in download.result.formats or not _is_quality(quality):
        return Response(status_code=404)
    if download.turn.statistics().tasks_waiting >= MAX_WAITING:
        return Response(status_code=503, headers={"Retry-After": str(RETRY_SECONDS)})
    async with download.turn:  # one at a time for each result
        if await request.is_disconnected():
            return Response(status_code=499)
        make = partial(
            download.file,
            file_format,
            quality=None if quality is None else int(quality),
            keeps=request.query_params.get("keep") == "1",
        )
        file = await to_thread.run_sync(make, limiter=shared.encoding.of(download))
    name = download.file_name(file_format)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "Content-Length": str(file.nbytes),
        **PRIVATE,
    }
    chunks = iterate_in_threadpool(file.chunks())
    media_type = FORMATS[file_format].media_type
    return StreamingResponse(chunks, media_type=media_type, headers=headers)


async def detail(request: Request, shared: Shared) -> Response:
    """Send a piece of a result, or of its original, with every pixel."""
    found = shared.downloads.get(request.path_params["secret"])
    if found is None:
        return Response(status_code=410)
    name, column, row = (request.path_params[each] for each in ("side", "column", "row"))
    upscaled = found.result.upscaled
    sizes = {"before": upscaled.lr_size, "after": (upscaled.width, upscaled.height)}
    width, height = sizes.get(name, (0, 0))
    if column * TILE_SIDE >= width or row * TILE_SIDE >= height:
        return Response(status_code=404)
    key = (found.secret, name)
    try:
        pixels = shared.decoded.find(key)
        if pixels is None:
            decode = partial(found.picture, name)
            make = partial(shared.decoded.pixels, key, decode=decode)
            pixels = await to_thread.run_sync(make, limiter=shared.encoding.of(found))
    except SuperResolutionError as exc:
        return Response(status_code=exc.status)
    box = box_from(column, row)
    data = await to_thread.run_sync(pixels.piece, box, limiter=shared.encoding.pieces)
    return Response(data, media_type="image/webp", headers=PRIVATE)


async def archive(request: Request, shared: Shared) -> Response:
    """Send all results of a tab as one file, which is made meanwhile."""
    found = shared.archives.get(request.path_params["secret"])
    if found is None:
        return Response(status_code=410)
    headers = {"Content-Disposition": f"attachment; filename={ARCHIVE_NAME}"}
    chunks = iterate_in_threadpool(found.chunks())
    return StreamingResponse(chunks, media_type="application/zip", headers=headers)


ROUTES = (
    ("GET", f"{DETAIL_PATH}/{{secret}}/{{side}}/{{column:int}}-{{row:int}}.webp", detail),
    ("GET", f"{ARCHIVE_PATH}/{{secret}}.zip", archive),
    ("GET", f"{RESULT_PATH}/{{secret}}.{{format}}", result),
)


def _is_quality(text: str | None) -> bool:
    return text is None or QUALITY.fullmatch(text) is not None
