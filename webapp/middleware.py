"""Middleware around Streamlit: bounded connections, security headers, compressed files."""

from __future__ import annotations

import gzip
import html
import mimetypes
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import streamlit
import uvicorn
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.http.connection import BACKLOG, Connections, HttpConnection
from backend.settings import Settings
from webapp.base.texts import language_from_locale, texts

STATIC = Path(streamlit.__file__).parent / "static"
CLOSED_PATHS = ("/_stcore/metrics", "/_stcore/upload_file")
"""Streamlit's statistics of all visitors, and its unbounded uploads; below any base path."""
STYLE = Path(__file__).with_name("page.css")
EMPTY_ROOT = '<div id="root"></div>'
FONT_PRELOAD = re.compile(r'<link\s+rel="preload"[^>]*\bas="font"[^>]*>')
"""A font that would load before the scripts, although text can be read without it."""
SMALLEST = 1024
COMPRESSIBLE = ("text/", "application/javascript", "application/json", "image/svg+xml")
FOR_EVER = "public, max-age=31536000, immutable"
MAX_HEADER_BYTES = 64 * 2**10
"""Browsers send the cookies of all pages of a host together."""
GRACE_SECONDS = 5
"""Seconds for running downloads when the server stops."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def content_security_policy(*, foreign_origin: str = "") -> str:
    """Return the policy, which allows the page alone and, if given, one other origin."""
    foreign = f" {foreign_origin}" if foreign_origin else ""
    # Nothing of this page is compiled in the browser; a foreign script may do anything.
    compiled = " 'unsafe-eval'" if foreign_origin else ""
    return "; ".join(
        (
            "default-src 'self'",
            # Streamlit's first page has a script in it; a component's script is a blob.
            f"script-src 'self' 'unsafe-inline'{compiled} blob:{foreign}",
            f"style-src 'self' 'unsafe-inline'{foreign}",
            f"img-src 'self' blob: data:{foreign}",
            f"font-src 'self' data:{foreign}",
            "connect-src 'self' ws: wss:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )


class SecurityHeaders:
    """ASGI middleware that adds `HEADERS` and the policy, and closes `CLOSED_PATHS`."""

    def __init__(self, app: ASGIApp, *, foreign_origin: str = "") -> None:
        self._app = app
        policy = content_security_policy(foreign_origin=foreign_origin)
        self._headers = HEADERS | {"Content-Security-Policy": policy}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        if any(door in scope["path"] for door in CLOSED_PATHS):
            await Response(status_code=404)(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)


class CompressedFiles:
    """ASGI middleware that answers for Streamlit's static files, each compressed once.

    Streamlit does not compress them, which costs a visitor with a slow line ten seconds of white.
    The first page has the product's name, so that there is something to read. Only a file's own
    path finds it: other paths go to Streamlit.
    """

    def __init__(self, app: ASGIApp, *, base: str = "") -> None:
        self._app = app
        self._first = f"{base}/"  # without the slash, relative addresses on the page would be wrong
        self._names = {
            f"{base}/{each.relative_to(STATIC).as_posix()}": each
            for each in (STATIC / "static").rglob("*")
            if each.is_file() and each.stat().st_size >= SMALLEST
        }
        self._files: dict[str, tuple[bytes, str]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            is_first = scope["path"] == self._first
            found = self._find(scope["path"], Headers(scope=scope), is_first=is_first)
            if found is not None:
                data, media_type = found
                headers = {
                    "Content-Encoding": "gzip",
                    "Vary": "Accept-Encoding, Accept-Language",
                    # The names of static files contain a hash of their content.
                    "Cache-Control": "no-cache" if is_first else FOR_EVER,
                }
                response = Response(data, media_type=media_type, headers=headers)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _find(self, path: str, headers: Headers, *, is_first: bool) -> tuple[bytes, str] | None:
        if "gzip" not in headers.get("Accept-Encoding", "") or "Range" in headers:
            return None
        if is_first:
            accepted = headers.get("Accept-Language", "").partition(",")[0].partition(";")[0]
            language = language_from_locale(accepted.strip())
            return self._keep(language, "text/html", lambda: first_page(language))
        file = self._names.get(path)
        media_type = mimetypes.guess_type(path)[0] or ""
        if file is None or not media_type.startswith(COMPRESSIBLE):
            return None
        return self._keep(path, media_type, file.read_bytes)

    def _keep(self, key: str, media_type: str, read: Callable[[], bytes]) -> tuple[bytes, str]:
        if key not in self._files:
            self._files[key] = gzip.compress(read(), 9, mtime=0), media_type
        return self._files[key]


class BoundedConnections:
    """ASGI middleware that gives connections the engine's deadlines and bounds their number.

    Streamlit makes the server and takes no other settings for it, so its configuration is changed
    when the server starts the application. A server that is not uvicorn has bounds of its own.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app = app
        # All visitors may come through one proxy, so there is no share for each client.
        self._settings = replace(settings, client_connections=settings.max_connections)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            config = getattr(getattr(receive, "__self__", None), "config", None)
            if isinstance(config, uvicorn.Config):
                config.http_protocol_class = partial(  # type: ignore[assignment]  # called only
                    HttpConnection,
                    settings=self._settings,
                    open_connections=Connections(self._settings),
                )
                config.backlog = BACKLOG
                config.h11_max_incomplete_event_size = MAX_HEADER_BYTES
                config.timeout_graceful_shutdown = GRACE_SECONDS
        await self._app(scope, receive, send)


def first_page(language: str) -> bytes:
    """Return Streamlit's page with a heading where its script will draw."""
    t = texts(language)
    heading = (
        '<div style="max-width:1400px;margin:auto;padding:3rem 2.5rem;font-family:sans-serif">'
        f"<h1>{html.escape(t('page.name'))}</h1><p>{html.escape(t('page.tagline'))}</p></div>"
    )
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    page = FONT_PRELOAD.sub("", page)
    page = page.replace(EMPTY_ROOT, EMPTY_ROOT.replace("></", f">{heading}</"))
    # `page.py` draws it too, but on a slow line this comes first.
    style = f"<style>{STYLE.read_text(encoding='utf-8')}</style>"
    page = page.replace("</body>", f"{style}</body>")
    return page.replace('<html lang="en"', f'<html lang="{language}"').encode()
