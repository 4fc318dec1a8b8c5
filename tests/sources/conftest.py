"""Loopback for every test of this folder; nothing else can be reached."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import trustme

from testbed.loopback import QuietServer
from tests.sources.loopback import Answer, Internet, Site, status


@pytest.fixture(autouse=True)
def internet(monkeypatch: pytest.MonkeyPatch) -> Internet:
    """Replace name resolution and routing, below every library."""
    net = Internet()
    for name in ("localhost", "localhost."):
        net.name(name, ["127.0.0.1"])
    resolve, connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):  # type: ignore[no-untyped-def]
        with contextlib.suppress(socket.gaierror):
            return resolve(host, port, family, type, proto, socket.AI_NUMERICHOST)
        net.lookup(host)
        if host not in net.names:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        answers = net.names[host]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            entry
            for address in answer
            for entry in resolve(address, port, family, type, proto, socket.AI_NUMERICHOST)
        ]

    def connect_by_route(self, address):  # type: ignore[no-untyped-def]
        host, port = address[:2]
        net.connections.append((host, port))
        if (host, port) in net.routes:
            return connect(self, ("127.0.0.1", net.routes[host, port]))
        assert host == "127.0.0.1", f"a test tried to reach {host}"
        return connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connect_by_route)
    return net


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority that nobody else trusts."""
    return trustme.CA()


@pytest.fixture(scope="session")
def authority_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return its certificate, as a PEM file."""
    path = tmp_path_factory.mktemp("authority") / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def serve(authority: trustme.CA) -> Iterator[Callable[..., Site]]:
    """A function `serve({"/path": answer})` that starts an HTTP server; `tls=True` for TLS."""
    with contextlib.ExitStack() as stack:

        def start(pages: dict[str, Answer], *, tls: bool = False) -> Site:
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    site.requests.append((self.path, headers))
                    pages.get(self.path.partition("?")[0], status(404))(self)

                def log_message(self, format: str, *args: object) -> None:
                    pass

            server = stack.enter_context(QuietServer(("127.0.0.1", 0), Handler))
            if tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                authority.issue_cert("pictures.example").configure_cert(context)
                server.socket = context.wrap_socket(server.socket, server_side=True)
            site = Site(port=server.server_address[1], pages=pages)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            stack.callback(site.stopping.set)
            return site

        yield start
