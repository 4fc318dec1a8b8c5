"""The request handler over HTTP, as a Starlette application."""

from __future__ import annotations

import hmac
import json
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend import __version__
from backend.engine import Watch
from backend.errors import (
    AuthenticationError,
    MethodNotAllowedError,
    NotFoundError,
    PayloadTooLargeError,
    RequestError,
    SuperResolutionError,
    UnsupportedMediaTypeError,
)
from backend.http.admission import Admission, Visit
from backend.http.client import client_from
from backend.http.cross_origin import CrossOrigin
from backend.http.metrics import MEDIA_TYPE, Metrics
from backend.http.stopping import Stop
from backend.http.transfer import PacedResponse, pieces_of
from backend.inference.health import Health
from backend.requests.handler import RequestHandler, check_json, refuse
from backend.requests.parsing import Body, UpscaleRequest
from backend.requests.raw_body import raw_picture_from
from backend.requests.reply import CORS_HEADERS, Reply, request_id_from

DESCRIPTION = Path(__file__).with_name("openapi.json")
"""The server's description of itself; tests compare it with the code."""
STAGE = "[A-Za-z0-9_-]{1,128}"
"""The names that API Gateway allows for a stage."""
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
    answers = _Answers(handler, health, admission, stop or Stop(), metrics)
    app = Starlette(
        routes=[
            Route("/resolution", answers.resolution, methods=["POST"]),
            Route("/{stage}/resolution", answers.resolution, methods=["POST"]),
            Route("/invocations", answers.invocations, methods=["POST"]),
            Route("/ping", answers.ping),
            Route("/livez", _livez),
            Route("/openapi.json", answers.openapi),
            *([Route("/metrics", answers.metrics)] if metrics is not None else []),
        ],
        middleware=[Middleware(CrossOrigin)],
        exception_handlers={
            SuperResolutionError: answers.refusal,
            HTTPException: _refuse_route,
            Exception: _answer_unexpected,
        },
    )
    app.router.redirect_slashes = False
    return app


class _Answers:
    """The answers of one server, an address each."""

    def __init__(
        self,
        handler: RequestHandler,
        health: Health,
        admission: Admission,
        stop: Stop,
        metrics: Metrics | None,
    ) -> None:
        self._handler = handler
        self._settings = handler.settings
        self._health = health
        self._admission = admission
        self._stop = stop
        self._metrics = metrics
        self._description = DESCRIPTION.read_bytes()
        self._threads = anyio.CapacityLimiter(
            admission.max_places + FETCHING_THREADS * self._settings.max_fetches + READING_THREADS
        )

    async def resolution(self, request: Request) -> Response:
        if not re.fullmatch(STAGE, request.path_params.get("stage", "default")):
            raise NotFoundError
        self._check_token(request)
        check_json(request.headers.get("Content-Type"), request.query_params.multi_items())
        return await self._answer(request, None)

    async def invocations(self, request: Request) -> Response:
        self._check_token(request)
        query = request.query_params.multi_items()
        return await self._answer(request, raw_picture_from(request.headers.items(), query))

    async def ping(self, request: Request) -> Response:  # noqa: ARG002
        running, waiting = self._admission.load()
        health = self._health
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

    async def openapi(self, request: Request) -> Response:  # noqa: ARG002
        return Response(self._description, media_type="application/json")

    async def metrics(self, request: Request) -> Response:
        self._check_token(request)
        assert self._metrics is not None
        return Response(self._metrics.text(), media_type=MEDIA_TYPE)

    async def refusal(self, request: Request, exc: Exception) -> Response:
        response, facts = _error_response(request, exc)
        if self._metrics is not None:
            self._metrics.count(facts)
        return response

    async def _answer(self, request: Request, raw: UpscaleRequest | None) -> Response:
        _check_headers(request)
        client = _client(request)
        abort = request.state.abort
        with ExitStack() as stack:
            visit = stack.enter_context(self._admission.visit(client, abort=abort))
            with self._stop.until_stopped():
                visit.receive()
                body = Body(await self._body(request, visit))
                visit.work()
                admit = partial(self._admission.place, client)
                reply = await self._handle(
                    partial(self._handler.handle, body, raw=raw, admit=admit), request
                )
            await visit.send(len(reply.body))
            if self._metrics is not None:
                self._metrics.count(reply.facts)
            on_end = stack.pop_all().close
            return PacedResponse(reply, self._settings, abort=abort, on_end=on_end)

    async def _body(self, request: Request, visit: Visit) -> bytes:
        """Receive the body; raise as soon as it is known to be too large, many or slow."""
        limit = self._settings.max_body_bytes
        if int(request.headers.get("Content-Length", "0")) > limit:
            raise PayloadTooLargeError.over(limit, what="request")
        body = bytearray()
        pieces = pieces_of(request, limit=limit, what="request", settings=self._settings)
        async for piece in pieces:
            visit.reserve(len(body) + len(piece))
            body += piece
        return bytes(body)

    async def _handle(self, handle: Callable[..., Reply], request: Request) -> Reply:
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
                limiter=self._threads,
                abandon_on_cancel=True,
            )
            tasks.cancel_scope.cancel()
        return reply

    def _check_token(self, request: Request) -> None:
        """Raise AuthenticationError unless the caller sends the token that the server asks for."""
        token = self._settings.server_token
        if token is None:
            return
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        is_right = hmac.compare_digest(given.strip().encode(), token.encode())
        if scheme.lower() != "bearer" or not is_right:
            raise AuthenticationError


async def _livez(request: Request) -> Response:  # noqa: ARG001
    return Response(b'{"status": "ok"}', media_type="application/json")


def _check_headers(request: Request) -> None:
    """Raise RequestError for two types, UnsupportedMediaTypeError for a compressed body."""
    if len(set(request.headers.getlist("Content-Type"))) > 1:
        raise RequestError.given_twice("Content-Type")
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaTypeError("Send the body without compression: no 'Content-Encoding'.")


def _client(request: Request) -> str:
    return client_from(request.client.host if request.client else "")


def _request_id(request: Request) -> str:
    return request_id_from(request.headers.get("X-Request-Id"))


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
