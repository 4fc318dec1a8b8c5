"""What goes around Streamlit's own answers: security headers, compressed files, closed paths."""

from __future__ import annotations

import gzip
import html
import mimetypes
import re
from collections.abc import Callable
from pathlib import Path

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp.base.texts import language_from_locale, texts

STATIC = Path(streamlit.__file__).parent / "static"
STATIC_PATH = "/static/"
CLOSED_PATHS = ("/_stcore/metrics", "/_stcore/upload_file")
"""Numbers about all visitors, and an upload without this page's bounds."""
STYLE = Path(__file__).with_name("page.css")
EMPTY_ROOT = '<div id="root"></div>'
FONT_PRELOAD = re.compile(r'<link\s+rel="preload"[^>]*\bas="font"[^>]*>')
"""It would come before the scripts, and letters can be read in another font until it is there."""
SMALLEST = 1024
COMPRESSIBLE = ("text/", "application/javascript", "application/json", "image/svg+xml")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def content_security_policy(*, foreign_origin: str = "") -> str:
    """No other machine's scripts, styles or pictures, except those of one origin, if any."""
    foreign = f" {foreign_origin}" if foreign_origin else ""
    # Nothing of this page is compiled in the browser; what a foreign script does is not known.
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
    """Adds `HEADERS` and the policy to every answer, and closes `CLOSED_PATHS`."""

    def __init__(self, app: ASGIApp, *, foreign_origin: str = "") -> None:
        self._app = app
        policy = content_security_policy(foreign_origin=foreign_origin)
        self._headers = HEADERS | {"Content-Security-Policy": policy}

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
    The first page has the name of the product in it, so that there is something to read meanwhile.
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
                    "Vary": "Accept-Encoding, Accept-Language",
                    "Cache-Control": _cache_control(scope["path"]),
                }
                response = Response(data, media_type=media_type, headers=headers)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _find(self, path: str, headers: Headers) -> tuple[bytes, str] | None:
        if "gzip" not in headers.get("Accept-Encoding", "") or "Range" in headers:
            return None
        if path == "/":
            accepted = headers.get("Accept-Language", "").partition(",")[0].partition(";")[0]
            language = language_from_locale(accepted.strip())
            return self._keep(f"/{language}", lambda: (first_page(language), "text/html"))
        if path.startswith(STATIC_PATH):
            return self._keep(path, lambda: _read(path.removeprefix("/")))
        return None

    def _keep(
        self, key: str, read: Callable[[], tuple[bytes, str] | None]
    ) -> tuple[bytes, str] | None:
        if key not in self._files:
            found = read()
            if found is None:
                return None
            data, media_type = found
            self._files[key] = gzip.compress(data, 9, mtime=0), media_type
        return self._files[key]


def first_page(language: str) -> bytes:
    """Streamlit's page with a heading where its script will draw."""
    t = texts(language)
    heading = (
        '<div style="max-width:1400px;margin:auto;padding:3rem 2.5rem;font-family:sans-serif">'
        f"<h1>{html.escape(t('page.name'))}</h1><p>{html.escape(t('page.tagline'))}</p></div>"
    )
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    page = FONT_PRELOAD.sub("", page)
    page = page.replace(EMPTY_ROOT, EMPTY_ROOT.replace("></", f">{heading}</"))
    # `page.py` draws it too, but on a slow line what is to be styled can be there before.
    style = f"<style>{STYLE.read_text(encoding='utf-8')}</style>"
    page = page.replace("</body>", f"{style}</body>")
    return page.replace('<html lang="en"', f'<html lang="{language}"').encode()


def _read(name: str) -> tuple[bytes, str] | None:
    """None for what is no file of Streamlit's, too small, or compressed already."""
    file = (STATIC / name).resolve()
    media_type = mimetypes.guess_type(file.name)[0] or ""
    is_inside = file.is_relative_to(STATIC.resolve()) and file.is_file()
    if not is_inside or not media_type.startswith(COMPRESSIBLE):
        return None
    data = file.read_bytes()
    return (data, media_type) if len(data) >= SMALLEST else None


def _cache_control(path: str) -> str:
    # The names of static files have a hash of their content in them.
    return "no-cache" if path == "/" else "public, max-age=31536000, immutable"
