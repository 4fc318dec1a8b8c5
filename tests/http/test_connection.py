"""The parts of uvicorn's protocol class that are used, and half-closed clients."""

from __future__ import annotations

import inspect
import json
import socket
import threading

import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from backend.http.connection import HttpConnection
from testbed.loopback import Loopback, Received, Sent
from tests.http.conftest import (
    ANSWER_SECONDS,
    Server,
    StartServer,
    long_request,
    small_request,
    until,
)
from tests.http.test_places import whole
from tests.http.test_strangers import everything
from tests.pictures import gradient_png


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("__init__", ["config", "server_state", "app_state", "_loop"]),
        ("connection_made", ["transport"]),
        ("connection_lost", ["exc"]),
        ("eof_received", []),
        ("handle_events", []),
        ("handle_websocket_upgrade", ["event"]),
        ("on_response_complete", []),
        ("pause_writing", []),
        ("resume_writing", []),
        ("send_400_response", ["msg"]),
        ("shutdown", []),
    ],
)
def test_uvicorn_still_has_what_is_overridden(name: str, parameters: list[str]) -> None:
    found = list(inspect.signature(getattr(H11Protocol, name)).parameters)
    assert found == ["self", *parameters]


def test_uvicorn_still_has_what_is_read() -> None:
    source = inspect.getsource(H11Protocol)
    for name in ("conn", "app_state", "transport", "client", "cycle", "loop", "scope", "config"):
        assert f"self.{name}" in source
    cycle = inspect.getsource(RequestResponseCycle)
    for name in ("response_complete", "more_body", "disconnected", "keep_alive", "message_event"):
        assert f"self.{name}" in cycle


def test_no_other_part_of_uvicorn_is_overridden() -> None:
    ours = {name for name in vars(HttpConnection) if not name.startswith("__")}
    theirs = {name for name in dir(H11Protocol) if not name.startswith("__")}
    assert ours & theirs == {
        "connection_made",
        "connection_lost",
        "eof_received",
        "handle_events",
        "handle_websocket_upgrade",
        "on_response_complete",
        "pause_writing",
        "resume_writing",
        "send_400_response",
        "shutdown",
    }


def final(received: bytes) -> bytes:
    """Return the answer behind those that ask whether the client is still there."""
    while received.startswith(b"HTTP/1.1 100 "):
        received = received.partition(b"\r\n\r\n")[2]
    return received


@pytest.mark.parametrize("close", [b"", b"Connection: close\r\n"])
def test_a_client_that_closes_its_sending_side_gets_its_answer(
    server: Server, close: bytes
) -> None:
    request = whole(small_request()).replace(b"Host: x\r\n", b"Host: x\r\n" + close)
    with server.connect() as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = everything(connection)
    head, _, body = final(answer).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert json.loads(body)["width"] == 40


def test_a_client_that_closes_its_sending_side_gets_a_slow_answer(
    start_server: StartServer,
) -> None:
    """The picture comes once the server has asked whether the client is still there."""
    has_probed = threading.Event()

    def answer(_: Received) -> Sent:
        assert has_probed.wait(ANSWER_SECONDS)
        return Sent(body=gradient_png(20, 10))

    server = start_server(SR_ALLOW_PRIVATE_SOURCES="1", SR_SOURCE_TIMEOUT_SECONDS="60")
    with Loopback(answer) as web, server.connect() as connection:
        connection.sendall(whole({"url": f"{web.url}/picture.png"}))
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(2**16).startswith(b"HTTP/1.1 100 ")
        has_probed.set()
        received = everything(connection)
    assert final(received).startswith(b"HTTP/1.1 200 ")


def test_half_a_request_is_not_waited_for(server: Server) -> None:
    with server.connect() as connection:
        connection.sendall(whole(small_request())[:-5])
        connection.shutdown(socket.SHUT_WR)
        assert b" 200 " not in everything(connection)


def test_the_work_ends_when_the_client_hangs_up(start_server: StartServer) -> None:
    server = start_server(is_shared=False, SR_TILE_SIZE="32")
    with server.connect() as connection:
        connection.sendall(whole(long_request() | {"model": "photo", "scale": 4}))
        until(lambda: server.load() == (1, 0))
    until(lambda: any('"error": "cancelled"' in line for line in server.log))
    assert server.load() == (0, 0)
    assert server.stop() == 0
