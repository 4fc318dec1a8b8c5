"""The request handler over HTTP, as a Starlette application."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial

import anyio
from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from backend import __version__
from backend.engine import Watch
from backend.errors import (
    MethodNotAllowedError,
    NotFoundError,
    PayloadTooLargeError,
    RequestError,
    SuperResolutionError,
)
from backend.health import Health
from backend.http.cross_origin import CrossOrigin
from backend.http.openapi import STAGE, document
from backend.protocol import RequestHandler, check_content_type, refuse
from backend.reply import CORS_HEADERS, Reply, request_id_from

PIECE_BYTES = 2**18


def create_app(
    handler: RequestHandler, *, health: Health, load: Callable[[], tuple[int, int]]
) -> Starlette:
    """The routes of docs/api.md.

    `health` is what was found when the process started, `load` how many requests are (running,
    waiting) just now.
    """
    description = json.dumps(document(handler)).encode()

    async def resolution(request: Request) -> Response:
        if not re.fullmatch(STAGE, request.path_params.get("stage", "default")):
            raise NotFoundError
        check_content_type(request.headers.get("Content-Type"))
        body = await _body(request, max_bytes=handler.settings.max_body_bytes)
        return _response(await _handle(handler, body, request))

    async def ping(request: Request) -> Response:  # noqa: ARG001
        running, waiting = load()
        facts = {
            "status": "ok" if health.is_ready else "unavailable",
            "version": __version__,
            "models": [{"name": name, "scale": scale} for name, scale in health.models],
            "providers": health.providers,
            "running": running,
            "waiting": waiting,
            "warnings": health.warnings,
        }
        status = 200 if health.is_ready else 503
        return Response(json.dumps(facts), status, media_type="application/json")

    async def openapi(request: Request) -> Response:  # noqa: ARG001
        return Response(description, media_type="application/json")

    app = Starlette(
        routes=[
            Route("/resolution", resolution, methods=["POST"]),
            Route("/{stage}/resolution", resolution, methods=["POST"]),
            Route("/invocations", resolution, methods=["POST"]),
            Route("/ping", ping),
            Route("/openapi.json", openapi),
        ],
        middleware=[Middleware(CrossOrigin)],
        exception_handlers={
            SuperResolutionError: _refuse,
            HTTPException: _refuse_route,
            Exception: _answer_unexpected,
        },
    )
    app.router.redirect_slashes = False
    return app


async def _body(request: Request, *, max_bytes: int) -> bytes:
    """Counted while it arrives; PayloadTooLargeError as soon as it is known."""
    declared = request.headers.get("Content-Length", "0")
    if int(declared) > max_bytes:
        raise PayloadTooLargeError.over(max_bytes, what="request")
    body = bytearray()
    try:
        async for chunk in request.stream():
            if len(body) + len(chunk) > max_bytes:
                raise PayloadTooLargeError.over(max_bytes, what="request")
            body += chunk
    except ClientDisconnect as exc:
        raise RequestError("The request ended before its body was complete.") from exc
    return bytes(body)


async def _handle(handler: RequestHandler, body: bytes, request: Request) -> Reply:
    """In a worker thread; a caller who hangs up, or a server that must stop, ends the work."""
    is_gone = threading.Event()

    async def wait_for_disconnect() -> None:
        try:
            while (await request.receive())["type"] != "http.disconnect":
                pass
        finally:
            is_gone.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait_for_disconnect)
        watch = Watch(is_cancelled=is_gone.is_set)
        reply = await to_thread.run_sync(
            partial(handler.handle, body, _request_id(request), watch=watch)
        )
        tasks.cancel_scope.cancel()
    return reply


def _request_id(request: Request) -> str:
    return request_id_from(request.headers.get("X-Request-Id"))


def _response(reply: Reply) -> Response:
    """In pieces: one write of a hundred megabytes would keep `/ping` waiting."""
    headers = {**reply.headers, "Content-Length": str(len(reply.body))}
    return StreamingResponse(_pieces(reply.body), reply.status, headers=headers)


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PIECE_BYTES):
        yield body[start : start + PIECE_BYTES]


async def _refuse(request: Request, exc: Exception) -> Response:
    """What is refused before the handler sees it."""
    return _response(refuse(exc, request_id=_request_id(request)))


async def _refuse_route(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    if exc.status_code == MethodNotAllowedError.status:
        refused: SuperResolutionError = MethodNotAllowedError()
    elif exc.status_code == NotFoundError.status:
        refused = NotFoundError()
    else:
        refused = RequestError.not_http()
    response = await _refuse(request, refused)
    response.headers.update(exc.headers or {})
    return response


async def _answer_unexpected(request: Request, exc: Exception) -> Response:  # noqa: ARG001
    response = await _refuse(request, SuperResolutionError())  # uvicorn logs the cause
    response.headers.update(CORS_HEADERS)  # Starlette answers this one outside of all middleware
    return response
