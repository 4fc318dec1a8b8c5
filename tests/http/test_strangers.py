"""Abusive clients: connections, headers, bodies and readers that cost more than they should."""

from __future__ import annotations

import contextlib
import json
import resource
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from backend.http.server import open_to_others
from tests.http.conftest import (
    Server,
    StartServer,
    encode_base64,
    long_request,
    small_request,
    until,
)
from tests.pictures import gradient_png

TRICKLED_BYTES = 2000
"""More bytes than any deadline allows at 50 ms each."""
HEAD = b"POST /resolution HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def strict(start_server: StartServer) -> Server:
    """A server with deadlines of a second, and few places."""
    return start_server(
        SR_HEADER_TIMEOUT_SECONDS="1",
        SR_TRANSFER_GRACE_SECONDS="1",
        SR_MIN_BYTES_PER_SECOND="100000",
        SR_CLIENT_CONNECTIONS="40",
        SR_MAX_CONNECTIONS="60",
        SR_CLIENT_REQUESTS_PER_MINUTE="100000",
    )


@contextlib.contextmanager
def connected(server: Server, number: int = 1) -> Iterator[list[socket.socket]]:
    parts = urlsplit(server.address)
    assert parts.hostname and parts.port
    opened = []
    try:
        for _ in range(number):
            opened.append(socket.create_connection((parts.hostname, parts.port), timeout=20))
        yield opened
    finally:
        for each in opened:
            each.close()


def everything(connection: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            received += piece
    return received


def test_a_silent_connection_is_closed(strict: Server) -> None:
    with connected(strict) as (connection,):
        assert everything(connection) == b""


def test_headers_that_trickle_are_not_waited_for(strict: Server) -> None:
    sent = 0
    with connected(strict) as (connection,), contextlib.suppress(ConnectionError):
        for byte in HEAD + b"X-Name: " + b"a" * TRICKLED_BYTES:
            connection.sendall(bytes((byte,)))
            sent += 1
            time.sleep(0.05)
    assert sent < TRICKLED_BYTES


def test_a_body_that_does_not_come_is_answered(strict: Server) -> None:
    with connected(strict) as (connection,):
        connection.sendall(HEAD + b'Content-Length: 1000\r\n\r\n{"img"')
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"error": "request_timed_out"' in answer


def test_a_body_in_crumbs_is_refused(strict: Server) -> None:
    crumbs = b"1\r\nx\r\n" * 200_000
    with connected(strict) as (connection,), contextlib.suppress(ConnectionError):
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + crumbs)
        everything(connection)
    assert strict.get("/ping").status_code == 200


@pytest.mark.parametrize("chunk", [b"zz\r\nabc\r\n", b"3\r\nabcdef\r\n", b"\xff\r\n"])
def test_a_body_that_is_no_http_is_answered(strict: Server, chunk: bytes) -> None:
    with connected(strict) as (connection,):
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n" + chunk)
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"error": "invalid_request"' in answer
    assert strict.get("/ping").status_code == 200


def test_a_body_with_two_lengths_is_refused_and_what_follows_is_not_read(strict: Server) -> None:
    """A proxy that believes the other length would take the rest for someone else's request."""
    two = HEAD + b"Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    with connected(strict) as (connection,):
        connection.sendall(two + b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1


def test_an_answer_that_nobody_reads_is_dropped(start_server: StartServer) -> None:
    server = start_server(
        is_shared=False, SR_TRANSFER_GRACE_SECONDS="1", SR_MIN_BYTES_PER_SECOND="10000000"
    )
    picture = encode_base64(gradient_png(1024, 1024))
    body = json.dumps({"img": picture, "scale": 4, "format": "png"}).encode()
    with connected(server) as (connection,):
        connection.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        until(lambda: len(server_sockets(server)) == 2, seconds=60)
        until(lambda: len(server_sockets(server)) == 1, seconds=60)
    assert not any("Traceback" in line for line in server.log)
    assert server.stop() == 0


def server_sockets(server: Server) -> list[str]:
    """Return the process's internet sockets: the listening one, and connections."""
    folder = Path(f"/proc/{server.process.pid}/fd")
    names = []
    for each in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            names.append(str(each.readlink()))
    known = set()
    for table in ("tcp", "tcp6"):
        lines = Path(f"/proc/{server.process.pid}/net/{table}").read_text().splitlines()[1:]
        known |= {f"socket:[{line.split()[9]}]" for line in lines}
    return [name for name in names if name in known]


def test_one_client_has_only_so_many_connections_and_others_get_theirs(strict: Server) -> None:
    with connected(strict, 100):
        until(lambda: len(server_sockets(strict)) <= 41)
        assert strict.get("/ping").status_code == 200


def test_sockets_never_use_up_the_descriptors(start_server: StartServer) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
    try:
        server = start_server(is_shared=False, SR_CLIENT_CONNECTIONS="1000")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    lines = len(server.log)
    with connected(server, 300):
        for _ in range(20):
            assert server.get("/ping").status_code == 200
        assert server.post(small_request()).status_code == 200
    assert len(server.log) - lines < 30
    assert server.stop() == 0


def test_one_client_has_only_so_many_pictures(start_server: StartServer) -> None:
    server = start_server(is_shared=False, SR_CLIENT_PICTURES="2")
    with ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(server.post, long_request()) for _ in range(4)]
        statuses = sorted(answer.result().status_code for answer in answers)
    assert statuses == [200, 200, 429, 429]
    refused = next(a.result() for a in answers if a.result().status_code == 429)
    assert refused.json()["error"] == "too_many_requests"
    assert int(refused.headers["Retry-After"]) >= 1
    assert server.stop() == 0


def test_one_client_sends_only_so_many_requests_in_a_minute(start_server: StartServer) -> None:
    server = start_server(is_shared=False, SR_CLIENT_REQUESTS_PER_MINUTE="3")
    answers = [server.post(small_request()) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 20
    assert server.get("/ping").status_code == 200
    assert server.stop() == 0


def test_bodies_on_their_way_are_bounded(start_server: StartServer) -> None:
    server = start_server(is_shared=False, SR_MAX_BYTES_IN_FLIGHT="100000")
    with connected(server) as (connection,):
        connection.sendall(HEAD + b"Content-Length: 90000\r\n\r\n" + b"{" * 89_999)
        until(lambda: server.post({"img": "x" * 20000}).status_code == 503)
    until(lambda: server.post(small_request()).status_code == 200)
    assert server.stop() == 0


@pytest.fixture
def slow_web() -> Iterator[tuple[str, list[socket.socket]]]:
    """A server that accepts connections and says nothing, and its connections."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(listener.accept()[0])

        thread = threading.Thread(target=take)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/picture.png", taken
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for each in taken:
        each.close()


def test_slow_links_leave_places_for_pictures(
    start_server: StartServer, slow_web: tuple[str, list[socket.socket]]
) -> None:
    address, taken = slow_web
    server = start_server(is_shared=False, SR_ALLOW_PRIVATE_SOURCES="1", SR_MAX_FETCHES="3")
    body = json.dumps({"url": address}).encode()
    request = HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    with connected(server, 3) as senders:
        for each in senders:
            each.sendall(request)
        until(lambda: len(taken) == 3)
        assert server.post({"url": address}).status_code == 503
        assert server.post(small_request()).status_code == 200
    # The senders are gone: their fetches are given up long before the time is over.
    for each in taken:
        each.settimeout(5)
        assert b"GET /picture.png" in everything(each)
    assert server.stop() == 0


def test_a_token_lets_in(start_server: StartServer) -> None:
    server = start_server(is_shared=False, SR_SERVER_TOKEN="open-sesame")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic open-sesame"}):
        answer = server.post(small_request(), headers=headers)
        assert answer.status_code == 401
        assert answer.json()["error"] == "missing_authentication"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    right = {"Authorization": "Bearer open-sesame"}
    assert server.post(small_request(), headers=right).status_code == 200
    assert server.get("/ping").status_code == 200
    assert not any("open-sesame" in line for line in server.log)
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("host", "is_open"),
    [
        ("127.0.0.1", False),
        ("::1", False),
        ("localhost", False),
        ("0.0.0.0", True),
        ("::", True),
        ("192.0.2.7", True),
        ("example.com", True),
    ],
)
def test_only_a_server_that_others_reach_asks_for_a_token(host: str, is_open: bool) -> None:
    assert (open_to_others(host, token=None) is not None) == is_open
    assert open_to_others(host, token="open-sesame") is None


def test_live_is_said_without_looking_at_the_networks(strict: Server) -> None:
    assert strict.get("/livez").json() == {"status": "ok"}


def test_a_crowd_is_answered_or_told_when_to_come_again(start_server: StartServer) -> None:
    server = start_server(is_shared=False, SR_CLIENT_REQUESTS_PER_MINUTE="100000")
    outcomes: list[int] = []
    lock = threading.Lock()

    def ask(_: int) -> None:
        answer = server.post(small_request())
        assert answer.status_code == 200 or int(answer.headers["Retry-After"]) >= 1
        with lock:
            outcomes.append(answer.status_code)

    with ThreadPoolExecutor(50) as threads:
        list(threads.map(ask, range(300)))
    assert len(outcomes) == 300
    assert set(outcomes) <= {200, 429, 503}
    assert 200 in outcomes
    until(lambda: server.load() == (0, 0))
    assert server.stop() == 0
    assert not any("Traceback" in line for line in server.log)


def test_a_killed_server_leaves_no_process_behind(start_server: StartServer) -> None:
    server = start_server(is_shared=False)
    assert server.post(small_request()).status_code == 200
    children = psutil.Process(server.process.pid).children(recursive=True)
    assert children
    server.process.kill()
    server.process.wait()
    until(lambda: not any(child.is_running() for child in children))
