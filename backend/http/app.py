"""The request handler over HTTP, as a Starlette application."""

from __future__ import annotations

import hmac
import json
import re
import threading
from collections.abc import AsyncIterator, Callable, Mapping
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
    AuthenticationError,
    MethodNotAllowedError,
    NotFoundError,
    PayloadTooLargeError,
    RequestError,
    SlowRequestError,
    SuperResolutionError,
)
from backend.http.admission import Admission, Visit
from backend.http.client import client_from
from backend.http.cross_origin import CrossOrigin
from backend.http.metrics import MEDIA_TYPE, Metrics
from backend.http.openapi import STAGE, document
from backend.http.pace import Pace
from backend.inference.health import Health
from backend.requests.handler import RequestHandler, check_content_type, refuse
from backend.requests.raw_body import RawPicture, raw_picture_from
from backend.requests.reply import CORS_HEADERS, Reply, request_id_from
from backend.settings import Settings

PIECE_BYTES = 2**18


def create_app(
    handler: RequestHandler,
    *,
    health: Health,
    load: Callable[[], tuple[int, int]],
    admission: Admission,
    metrics: Metrics | None = None,
) -> Starlette:
    """The routes of docs/api.md.

    `health` is what was found when the process started, `load` how many requests are (running,
    waiting) just now; with `metrics` they are answered.
    """
    settings = handler.settings
    description = json.dumps(document(handler)).encode()
    threads = anyio.CapacityLimiter(admission.max_places)

    async def resolution(request: Request) -> Response:
        if not re.fullmatch(STAGE, request.path_params.get("stage", "default")):
            raise NotFoundError
        check_token(request, settings.server_token)
        check_content_type(request.headers.get("Content-Type"))
        return await answer(request, None)

    async def invocations(request: Request) -> Response:
        check_token(request, settings.server_token)
        query = request.query_params.multi_items()
        return await answer(request, raw_picture_from(request.headers.items(), query))

    async def answer(request: Request, raw: RawPicture | None) -> Response:
        with admission.visit(_client(request)) as visit:
            body = await _body(request, visit, settings)
            reply = await _handle(partial(handler.handle, body, raw=raw), request, threads)
        if metrics is not None:
            metrics.count(reply.facts)
        return _response(reply, Pace(settings), request.state.abort)

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

    async def livez(request: Request) -> Response:  # noqa: ARG001
        return Response(b'{"status": "ok"}', media_type="application/json")

    async def openapi(request: Request) -> Response:  # noqa: ARG001
        return Response(description, media_type="application/json")

    async def scrape(request: Request) -> Response:
        check_token(request, settings.server_token)
        assert metrics is not None
        return Response(metrics.text(), media_type=MEDIA_TYPE)

    async def refuse_early(request: Request, exc: Exception) -> Response:
        response, facts = _error_response(request, exc)
        if metrics is not None:
            metrics.count(facts)
        return response

    app = Starlette(
        routes=[
            Route("/resolution", resolution, methods=["POST"]),
            Route("/{stage}/resolution", resolution, methods=["POST"]),
            Route("/invocations", invocations, methods=["POST"]),
            Route("/ping", ping),
            Route("/livez", livez),
            Route("/openapi.json", openapi),
            *([Route("/metrics", scrape)] if metrics is not None else []),
        ],
        middleware=[Middleware(CrossOrigin)],
        exception_handlers={
            SuperResolutionError: refuse_early,
            HTTPException: _refuse_route,
            Exception: _answer_unexpected,
        },
    )
    app.router.redirect_slashes = False
    return app


async def _body(request: Request, visit: Visit, settings: Settings) -> bytes:
    """Counted while it arrives; raises as soon as it is known to be too large, many or slow."""
    max_bytes = settings.max_body_bytes
    declared = int(request.headers.get("Content-Length", "0"))
    if declared > max_bytes:
        raise PayloadTooLargeError.over(max_bytes, what="request")
    visit.reserve(declared)
    pace = Pace(settings)
    body = bytearray()
    chunks = aiter(request.stream())
    try:
        while True:
            with anyio.fail_after(max(0.0, pace.seconds_left(len(body)))):
                chunk = await anext(chunks, None)
            if chunk is None:
                return bytes(body)
            if len(body) + len(chunk) > max_bytes:
                raise PayloadTooLargeError.over(max_bytes, what="request")
            visit.reserve(len(body) + len(chunk))
            body += chunk
    except ClientDisconnect as exc:
        raise RequestError("The request ended before its body was complete.") from exc
    except TimeoutError as exc:
        raise SlowRequestError from exc


def check_token(request: Request, token: str | None) -> None:
    """AuthenticationError for a caller who does not send the token that the server asks for."""
    if token is None:
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    is_right = hmac.compare_digest(given.strip().encode(), token.encode())
    if scheme.lower() != "bearer" or not is_right:
        raise AuthenticationError


async def _handle(
    handle: Callable[..., Reply], request: Request, threads: anyio.CapacityLimiter
) -> Reply:
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
        watch = Watch(is_cancelled=is_gone.is_set, visitor=_client(request))
        reply = await to_thread.run_sync(
            partial(handle, request_id=_request_id(request), watch=watch), limiter=threads
        )
        tasks.cancel_scope.cancel()
    return reply


def _client(request: Request) -> str:
    return client_from(request.client.host if request.client else "")


def _request_id(request: Request) -> str:
    return request_id_from(request.headers.get("X-Request-Id"))


def _response(reply: Reply, pace: Pace, abort: Callable[[], None]) -> Response:
    """In pieces: one write of a hundred megabytes would keep `/ping` waiting."""
    headers = {**reply.headers, "Content-Length": str(len(reply.body))}
    return StreamingResponse(_pieces(reply.body, pace, abort), reply.status, headers=headers)


async def _pieces(body: bytes, pace: Pace, abort: Callable[[], None]) -> AsyncIterator[bytes]:
    """Each is asked for when the one before is on its way; ends early for a slow reader."""
    for start in range(0, len(body), PIECE_BYTES):
        if pace.seconds_left(start) <= 0:
            abort()
            await anyio.sleep(0)  # until the connection is known to be closed
        yield body[start : start + PIECE_BYTES]


def _error_response(request: Request, exc: Exception) -> tuple[Response, Mapping[str, object]]:
    """What is refused before the handler sees it, and the facts of its line in the log."""
    reply = refuse(exc, request_id=_request_id(request))
    headers = reply.headers
    if reply.status == AuthenticationError.status:
        headers = {**headers, "WWW-Authenticate": "Bearer"}
    return Response(reply.body, reply.status, headers=headers), reply.facts


async def _refuse_route(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    if exc.status_code == MethodNotAllowedError.status:
        refused: SuperResolutionError = MethodNotAllowedError()
    elif exc.status_code == NotFoundError.status:
        refused = NotFoundError()
    else:
        refused = RequestError.not_http()
    response, _ = _error_response(request, refused)
    response.headers.update(exc.headers or {})
    return response


async def _answer_unexpected(request: Request, exc: Exception) -> Response:  # noqa: ARG001
    response, _ = _error_response(request, SuperResolutionError())  # uvicorn logs the cause
    response.headers.update(CORS_HEADERS)  # Starlette answers this one outside of all middleware
    return response
