"""A small internet on loopback: names, routes and servers."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

PICTURE = b"\x89PNG what a picture's bytes are is no matter here" * 40

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Internet:
    """`names` are resolved, `routes` lead from public addresses to servers on loopback."""

    names: dict[str, list[list[str]]] = field(default_factory=dict)
    """Name -> the answers in order; the last one is repeated."""
    routes: dict[tuple[str, int], int] = field(default_factory=dict)
    """(address, port) -> port on loopback."""
    connections: list[tuple[str, int]] = field(default_factory=list)
    """Every address that a connection was requested for."""
    lookup: Callable[[str], None] = lambda name: None
    """Called before a name is answered, for a delay."""

    def name(self, name: str, *answers: list[str]) -> None:
        self.names[name] = list(answers)


@dataclass
class Site:
    """A running server: its requests, and its answers by path."""

    port: int
    pages: dict[str, Answer]
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """(path, header fields in lower case) of each request."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set at the end of the test, for which slow bodies wait between two pieces."""

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


def body(data: bytes, **headers: str) -> Answer:
    """Answer 200 with these bytes; `Content_Type="…"` is the field Content-Type."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for name, value in {"Content_Length": str(len(data)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def status(code: int) -> Answer:
    """Make an answer without a body."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def redirect(target: str, code: int = 302) -> Answer:
    """Redirect to another address, absolute or not."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.send_header("Location", target)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def endless(code: int = 200, **headers: str) -> Answer:
    """Make an endless body, which gives as many bytes as are read."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        with contextlib.suppress(OSError):
            while True:
                handler.wfile.write(bytes(65536))

    return answer
