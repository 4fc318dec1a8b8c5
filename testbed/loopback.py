"""An HTTP server on 127.0.0.1 that stands in for another machine and records its requests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request as it arrived."""

    method: str
    target: str
    """The path with its query, still percent-encoded."""
    headers: Message
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class QuietServer(ThreadingHTTPServer):
    """A server that logs no error: in many tests a client hangs up in the middle."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing."""


class Loopback:
    """`with Loopback(answer) as server:` listens on a free port until the block ends."""

    def __init__(self, answer: Callable[[Received], Sent]) -> None:
        self.received: list[Received] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                request = Received(
                    method=self.command,
                    target=self.path,
                    headers=self.headers,
                    body=self.rfile.read(length),
                )
                owner.received.append(request)
                sent = answer(request)
                self.send_response(sent.status)
                for name, value in sent.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(sent.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(sent.body)

            do_GET = do_HEAD = do_PUT = do_POST = _serve  # noqa: N815 - the library's names

            def log_message(self, format: str, *args: object) -> None:
                """Print nothing: tests look at `received`."""

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def host(self) -> str:
        """Return `127.0.0.1:port`."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
