"""The page's own HTTP: uploads in, results out; each address has a token that cannot be guessed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from urllib.parse import quote, unquote

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from backend.errors import PayloadTooLargeError, SuperResolutionError
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

ARCHIVE_NAME = "super-resolution.zip"
LONGEST_NAME = 255
QUALITIES = range(1, 101)


def create_routes(get_shared: Callable[[], Shared]) -> list[Route]:
    """`get_shared` is asked at each request: it raises while the settings are wrong."""

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
            return JSONResponse({"error": key}, status_code=exc.status)
        return JSONResponse({"digest": picture.digest})

    async def result(request: Request) -> Response:
        shared = get_shared()
        download = shared.downloads.get(request.path_params["secret"])
        if download is None:
            return Response("This result is gone.", status_code=410, media_type="text/plain")
        file_format = request.path_params["format"]
        quality = request.query_params.get("quality")
        if file_format not in download.formats or not _is_quality(quality):
            return Response(status_code=404)
        data = await run_in_threadpool(
            download.encode,
            file_format,
            quality=None if quality is None else int(quality),
            keeps=request.query_params.get("keep") == "1",
        )
        name = download_name(download.name, scale=download.scale, format=file_format)
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "Cache-Control": "private, no-store",
        }
        return Response(data, media_type=FORMATS[file_format].media_type, headers=headers)

    async def detail(request: Request) -> Response:
        shared = get_shared()
        found = shared.downloads.get(request.path_params["secret"])
        if found is None:
            return Response(status_code=410)
        name, column, row = (request.path_params[each] for each in ("side", "column", "row"))
        upscaled = found.result.upscaled
        is_inside = column * TILE_SIDE < upscaled.width and row * TILE_SIDE < upscaled.height
        if name not in ("before", "after") or not is_inside:
            return Response(status_code=404)
        try:
            data = await run_in_threadpool(piece, shared, found, name, column, row)
        except SuperResolutionError as exc:
            return Response(status_code=exc.status)
        headers = {"Cache-Control": "private, no-store"}
        return Response(data, media_type="image/webp", headers=headers)

    async def archive(request: Request) -> Response:
        found = get_shared().downloads.get_archive(request.path_params["secret"])
        if found is None:
            return Response(status_code=410)
        headers = {"Content-Disposition": f"attachment; filename={ARCHIVE_NAME}"}
        chunks = iterate_in_threadpool(found.chunks())
        return StreamingResponse(chunks, media_type="application/zip", headers=headers)

    place = "{side}/{column:int}-{row:int}.webp"
    return [
        Route(f"/{DETAIL_PATH}/{{secret}}/{place}", detail, methods=["GET"]),
        Route(f"/{ARCHIVE_PATH}/{{secret}}.zip", archive, methods=["GET"]),
        Route(f"/{UPLOAD_PATH}", upload, methods=["POST"]),
        Route(f"/{RESULT_PATH}/{{secret}}.{{format}}", result, methods=["GET", "HEAD"]),
    ]


async def receive(request: Request, *, name: str, tab: Tab, shared: Shared) -> InputFile:
    """Stream the body to disk within every bound; the tab shows the picture from then on."""
    limit = shared.settings.max_image_bytes
    digest = hashlib.sha256()
    tab.check_room(0)
    with shared.disk.writing() as writer:
        async for chunk in request.stream():
            if writer.nbytes + len(chunk) > limit:
                raise PayloadTooLargeError.over(limit, what="picture")
            digest.update(chunk)
            writer.write(chunk)
        if writer.nbytes == 0:
            raise EmptyFileError()
        picture = InputFile(name=name, digest=digest.hexdigest(), file=writer.close())
    tab.add(picture)
    return picture


def _is_quality(text: str | None) -> bool:
    return text is None or (text.isascii() and text.isdigit() and int(text[:4]) in QUALITIES)
