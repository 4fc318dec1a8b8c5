"""What goes around Streamlit's own answers: security headers, compressed files, closed paths."""

from __future__ import annotations

import gzip
import mimetypes
from pathlib import Path

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATIC = Path(streamlit.__file__).parent / "static"
STATIC_PATH = "/static/"
CLOSED_PATHS = ("/_stcore/metrics", "/_stcore/upload_file")
"""Numbers about all visitors, and an upload without this page's bounds."""
SMALLEST = 1024
COMPRESSIBLE = ("text/", "application/javascript", "application/json", "image/svg+xml")
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        # Streamlit compiles parts of its page in the browser, and a component's script is a blob.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' blob: data:",
        "font-src 'self' data:",
        "connect-src 'self' ws: wss:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class SecurityHeaders:
    """Adds `HEADERS` to every answer and closes `CLOSED_PATHS`."""

    def __init__(self, app: ASGIApp, *, allows_foreign_scripts: bool = False) -> None:
        self._app = app
        self._headers = {
            name: value
            for name, value in HEADERS.items()
            if not (allows_foreign_scripts and name == "Content-Security-Policy")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["path"].startswith(CLOSED_PATHS):
            await Response(status_code=404)(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)


class CompressedFiles:
    """Answers for Streamlit's static files with each one compressed once.

    Streamlit leaves them as they are, which costs a visitor with a slow line ten seconds of white.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._files: dict[str, tuple[bytes, str]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            found = self._find(scope["path"], Headers(scope=scope))
            if found is not None:
                data, media_type = found
                headers = {
                    "Content-Encoding": "gzip",
                    "Vary": "Accept-Encoding",
                    "Cache-Control": _cache_control(scope["path"]),
                }
                response = Response(data, media_type=media_type, headers=headers)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _find(self, path: str, headers: Headers) -> tuple[bytes, str] | None:
        if "gzip" not in headers.get("Accept-Encoding", "") or "Range" in headers:
            return None
        if path != "/" and not path.startswith(STATIC_PATH):
            return None
        if path not in self._files:
            compressed = _compress(path)
            if compressed is None:
                return None
            self._files[path] = compressed
        return self._files[path]


def _compress(path: str) -> tuple[bytes, str] | None:
    """None for what is no file of Streamlit's, too small, or compressed already."""
    name = "index.html" if path == "/" else path.removeprefix("/")
    file = (STATIC / name).resolve()
    media_type = mimetypes.guess_type(file.name)[0] or ""
    is_inside = file.is_relative_to(STATIC.resolve()) and file.is_file()
    if not is_inside or not media_type.startswith(COMPRESSIBLE):
        return None
    data = file.read_bytes()
    return (gzip.compress(data, 9, mtime=0), media_type) if len(data) >= SMALLEST else None


def _cache_control(path: str) -> str:
    # The names of static files have a hash of their content in them.
    return "no-cache" if path == "/" else "public, max-age=31536000, immutable"
