"""The addresses of work under way: a tab's events, first looks, finished pieces."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from webapp.base.texts import DEFAULT, LANGUAGES, texts
from webapp.shared import Shared
from webapp.work.live import LIVE_PATH
from webapp.work.stream import EVENTS_PATH, events

REDUCTIONS = (1, 2, 4, 8, 16)
GONE = 204
"""The answer for work that has ended: nothing to show, and no error."""
SIDES = ("left", "top", "right", "bottom")
BOX = "/".join(f"{{{each}:int}}" for each in SIDES)
PRIVATE = {"Cache-Control": "private, no-store"}


async def stream(request: Request, shared: Shared) -> Response:
    """Send the events of a tab."""
    secret = request.path_params["secret"]
    if shared.tabs.find_stream(secret) is None:
        return Response(status_code=410)
    language = request.query_params.get("lang", "")
    t = texts(language if language in LANGUAGES else DEFAULT)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    told = events(shared, secret, t)
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)


async def look(request: Request, shared: Shared) -> Response:
    """Send the first look of a result that is being made."""
    live = shared.lives.get(request.path_params["secret"])
    if live is None or live.look is None:
        return Response(status_code=GONE)
    return Response(live.look.read(), media_type="image/webp", headers=PRIVATE)


async def piece(request: Request, shared: Shared) -> Response:
    """Send a finished piece."""
    live = shared.lives.get(request.path_params["secret"])
    number, reduced_by = request.path_params["number"], request.path_params["reduced_by"]
    if live is None:
        return Response(status_code=GONE)
    if number >= len(live.pieces) or reduced_by not in REDUCTIONS:
        return Response(status_code=404)
    data = await run_in_threadpool(live.pieces[number].webp, reduced_by=reduced_by)
    return Response(data, media_type="image/webp", headers=PRIVATE)


async def sight(request: Request, shared: Shared) -> Response:
    """Note which part of the picture is in sight."""
    live = shared.lives.get(request.path_params["secret"])
    if live is not None:
        left, top, right, bottom = (request.path_params[each] for each in SIDES)
        live.sight = (left, top, right, bottom)
    return Response(status_code=GONE)


ROUTES = (
    ("GET", f"{EVENTS_PATH}/{{secret}}", stream),
    ("GET", f"{LIVE_PATH}/{{secret}}/look.webp", look),
    ("GET", f"{LIVE_PATH}/{{secret}}/{{number:int}}-{{reduced_by:int}}.webp", piece),
    (
        "POST",
        f"{LIVE_PATH}/{{secret}}/sight/{BOX}",
        sight,
    ),
)
