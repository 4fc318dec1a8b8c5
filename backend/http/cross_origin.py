"""Cross-origin access: pages from any origin may call the server, as v1.0's API allowed."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.requests.reply import CORS_HEADERS


class CrossOrigin:
    """ASGI middleware that adds `CORS_HEADERS` to every answer and answers every preflight.

    Starlette's own middleware adds them only where a request has an Origin, and says what is
    allowed only to preflights.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(CORS_HEADERS)
            await send(message)

        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            await Response(status_code=204)(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)
