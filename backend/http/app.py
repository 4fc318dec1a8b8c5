"""The request handler over HTTP, as a Starlette application."""

from __future__ import annotations

import hmac
import json
import re
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

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
    UnsupportedMediaTypeError,
)
from backend.http.admission import Admission, Visit
from backend.http.client import client_from
from backend.http.cross_origin import CrossOrigin
from backend.http.metrics import MEDIA_TYPE, Metrics
from backend.http.pace import Pace
from backend.http.stopping import Stop
from backend.inference.health import Health
from backend.requests.handler import RequestHandler, check_json, refuse
from backend.requests.parsing import Body
from backend.requests.raw_body import RawPicture, raw_picture_from
from backend.requests.reply import CORS_HEADERS, Reply, request_id_from
from backend.settings import Settings

DESCRIPTION = Path(__file__).with_name("openapi.json")
"""The server's description of itself; tests compare it with the code."""
STAGE = "[A-Za-z0-9_-]{1,128}"
"""The names that API Gateway allows for a stage."""
PIECE_BYTES = 2**16
FETCHING_THREADS = 2
"""Threads for each concurrent fetch: one that fetches, and one that waits."""
READING_THREADS = 4
"""Threads for bodies that are parsed, or refused."""


def create_app(
    handler: RequestHandler,
    *,
    health: Health,
    admission: Admission,
    stop: Stop | None = None,
    metrics: Metrics | None = None,
) -> Starlette:
    """Make the routes of docs/api.md.

    `health` was found when the process started, and `stop` ends the requests at work; with
    `metrics` they are answered.
    """
    settings = handler.settings
    description = DESCRIPTION.read_bytes()
    stop = stop or Stop()
    threads = anyio.CapacityLimiter(
        admission.max_places + FETCHING_THREADS * settings.max_fetches + READING_THREADS
    )

    async def resolution(request: Request) -> Response:
        if not re.fullmatch(STAGE, request.path_params.get("stage", "default")):
            raise NotFoundError
        check_token(request, settings.server_token)
        check_json(request.headers.get("Content-Type"), request.query_params.multi_items())
        return await answer(request, None)

    async def invocations(request: Request) -> Response:
        check_token(request, settings.server_token)
        query = request.query_params.multi_items()
        return await answer(request, raw_picture_from(request.headers.items(), query))

    async def answer(request: Request, raw: RawPicture | None) -> Response:
        _check_headers(request)
        client = _client(request)
        abort = request.state.abort
        with ExitStack() as stack:
            visit = stack.enter_context(admission.visit(client, abort=abort))
            with stop.until_stopped():
                visit.receive()
                body = Body(await _body(request, visit, settings))
                visit.work()
                admit = partial(admission.place, client)
                handle = partial(handler.handle, body, raw=raw, admit=admit)
                reply = await _handle(handle, request, threads)
            await visit.send(len(reply.body))
            if metrics is not None:
                metrics.count(reply.facts)
            return PacedResponse(reply, Pace(settings), abort, on_end=stack.pop_all().close)

    async def ping(request: Request) -> Response:  # noqa: ARG001
        running, waiting = admission.load()
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


def _check_headers(request: Request) -> None:
    """Raise RequestError for two types, UnsupportedMediaTypeError for a compressed body."""
    if len(set(request.headers.getlist("Content-Type"))) > 1:
        raise RequestError.given_twice("Content-Type")
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaTypeError("Send the body without compression: no 'Content-Encoding'.")


async def _body(request: Request, visit: Visit, settings: Settings) -> bytes:
    """Receive the body; raise as soon as it is known to be too large, many or slow.

    Only bytes that have arrived count, not announced ones.
    """
    max_bytes = settings.max_body_bytes
    declared = int(request.headers.get("Content-Length", "0"))
    if declared > max_bytes:
        raise PayloadTooLargeError.over(max_bytes, what="request")
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
    """Raise AuthenticationError unless the caller sends the token that the server asks for."""
    if token is None:
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    is_right = hmac.compare_digest(given.strip().encode(), token.encode())
    if scheme.lower() != "bearer" or not is_right:
        raise AuthenticationError


async def _handle(
    handle: Callable[..., Reply], request: Request, threads: anyio.CapacityLimiter
) -> Reply:
    """Handle the request in a worker thread, whose work ends when the caller hangs up.

    A stopping server does not wait for the thread.
    """
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
            partial(handle, request_id=_request_id(request), watch=watch),
            limiter=threads,
            abandon_on_cancel=True,
        )
        tasks.cancel_scope.cancel()
    return reply


def _client(request: Request) -> str:
    return client_from(request.client.host if request.client else "")


def _request_id(request: Request) -> str:
    return request_id_from(request.headers.get("X-Request-Id"))


class PacedResponse(StreamingResponse):
    """An answer in pieces: one write of a hundred megabytes would keep `/ping` waiting."""

    def __init__(
        self, reply: Reply, pace: Pace, abort: Callable[[], None], *, on_end: Callable[[], None]
    ) -> None:
        headers = {**reply.headers, "Content-Length": str(len(reply.body))}
        super().__init__(_pieces(reply.body, pace, abort), reply.status, headers=headers)
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, and call `on_end` whether it arrives or not."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._on_end()


async def _pieces(body: bytes, pace: Pace, abort: Callable[[], None]) -> AsyncIterator[bytes]:
    """Yield each piece after the previous one was sent; end early for a slow reader."""
    for start in range(0, len(body), PIECE_BYTES):
        if pace.seconds_left(start) <= 0:
            abort()
            await anyio.sleep(0)  # until the connection is known to be closed
        yield body[start : start + PIECE_BYTES]


def _error_response(request: Request, exc: Exception) -> tuple[Response, Mapping[str, object]]:
    """Return the answer to a request that no handler saw, and the facts for its log line."""
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
    response.headers.update(CORS_HEADERS)  # Starlette calls this handler outside of all middleware
    return response
