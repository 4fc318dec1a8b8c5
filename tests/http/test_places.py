"""Places in the line are for pictures that have arrived."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from backend.errors import BusyError, TooManyRequestsError
from backend.http.admission import Admission, Visit
from backend.http.transfer import Pace
from backend.settings import Settings
from tests.http.conftest import (
    Server,
    StartServer,
    encode_base64,
    long_request,
    small_request,
    until,
)
from tests.http.test_strangers import HEAD, server_sockets
from tests.pictures import save

MANY = [*["127.0.0.2"] * 12, *["127.0.0.3"] * 12]
"""Clients of two addresses, more than there are places in the line."""
OTHER = "127.0.0.9"


@contextlib.contextmanager
def sending(server: Server, requests: list[tuple[str, bytes]]) -> Iterator[list[socket.socket]]:
    """Yield connections of (client, data sent so far)."""
    opened = []
    try:
        for source, data in requests:
            connection = server.connect(source)
            connection.sendall(data)
            opened.append(connection)
        yield opened
    finally:
        for each in opened:
            each.close()


def whole(content: object) -> bytes:
    body = json.dumps(content).encode()
    return HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize("announced", [1000, 40 * 2**20])
def test_bodies_that_never_come_keep_nobody_out(start_server: StartServer, announced: int) -> None:
    server = start_server()
    start = HEAD + f"Content-Length: {announced}\r\n\r\n{{".encode()
    with sending(server, [(source, start) for source in MANY]):
        until(lambda: len(server_sockets(server)) > len(MANY))
        for _ in range(5):
            assert server.post_from(OTHER, small_request())[0] == 200


@pytest.fixture
def silent_web() -> Iterator[str]:
    """A server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/picture.png"


def test_links_to_silent_servers_keep_no_picture_out(
    start_server: StartServer, silent_web: str
) -> None:
    server = start_server(is_shared=False, SR_ALLOW_PRIVATE_SOURCES="1")
    link = whole({"url": silent_web})
    with sending(server, [(source, link) for source in MANY]):
        until(lambda: server.post_from(OTHER, {"url": silent_web})[0] == 503)
        for _ in range(5):
            assert server.post_from(OTHER, small_request())[0] == 200
    assert server.stop() == 0


def test_the_line_is_as_long_as_the_settings_say(start_server: StartServer) -> None:
    server = start_server(
        is_shared=False, SR_MAX_QUEUED="3", SR_CLIENT_PICTURES="100", SR_TILE_SIZE="32"
    )
    work = whole(long_request() | {"scale": 4, "model": "photo"})
    with sending(server, [("127.0.0.1", work)] * 4):
        until(lambda: server.load() == (1, 3))
        status, answer = server.post_from(OTHER, small_request())
        assert (status, answer["error"]) == (503, "busy")
    until(lambda: server.load() == (0, 0))
    assert server.post_from(OTHER, small_request())[0] == 200
    assert server.stop() == 0


def noise_request() -> dict[str, object]:
    """Return a request for a small picture whose result has some megabytes."""
    pixels = random.Random(1).randbytes(600 * 600 * 3)
    picture = save(Image.frombytes("RGB", (600, 600), pixels), "PNG")
    return {"img": encode_base64(picture), "scale": 2, "format": "png"}


@contextlib.contextmanager
def unread_answer(server: Server, source: str) -> Iterator[socket.socket]:
    """A client whose result is ready, and who does not read it."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.bind((source, 0))
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(whole(noise_request()))
        assert connection.recv(12) == b"HTTP/1.1 200"
        yield connection


def test_answers_that_are_read_slowly_count_as_bytes_in_flight(start_server: StartServer) -> None:
    server = start_server(
        is_shared=False, SR_MAX_BYTES_IN_FLIGHT="5000000", SR_TRANSFER_GRACE_SECONDS="300"
    )
    with unread_answer(server, "127.0.0.2"):
        status, answer = server.post_from(OTHER, noise_request())
        assert (status, answer["error"]) == (503, "busy")
    until(lambda: server.post_from(OTHER, noise_request())[0] == 200)
    assert server.stop() == 0


def test_an_answer_that_is_read_too_slowly_makes_room(start_server: StartServer) -> None:
    server = start_server(
        is_shared=False, SR_MAX_BYTES_IN_FLIGHT="5000000", SR_TRANSFER_GRACE_SECONDS="3"
    )
    with unread_answer(server, "127.0.0.2") as slow:
        until(lambda: server.post_from(OTHER, noise_request())[0] == 200)
        with contextlib.suppress(ConnectionError):
            while slow.recv(65536):
                pass
    assert server.stop() == 0


def test_many_clients_share_a_line_that_is_never_longer(start_server: StartServer) -> None:
    server = start_server(is_shared=False, SR_MAX_QUEUED="2")
    longest = [0]
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.is_set():
            longest[0] = max(longest[0], sum(server.load()))

    thread = threading.Thread(target=watch)
    thread.start()
    sources = [f"127.0.1.{number}" for number in range(1, 40)]
    with ThreadPoolExecutor(12) as threads:
        answers = threads.map(lambda each: server.post_from(each, small_request())[0], sources)
        statuses = set(answers)
    is_over.set()
    thread.join()
    assert statuses <= {200, 503}
    assert longest[0] <= 3
    assert server.stop() == 0


class Clock:
    """A clock that advances when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def books_of(clock: Clock, settings: Settings) -> Admission:
    return Admission(settings, load=lambda: (0, 0), seconds_until_free=lambda: 0.0, clock=clock)


def visit(books: Admission, stack: contextlib.ExitStack, client: str, ended: list[str]) -> Visit:
    made = stack.enter_context(books.visit(client, abort=lambda: ended.append(client)))
    made.receive()
    return made


def test_the_slow_transfer_of_who_holds_most_makes_room() -> None:
    clock = Clock()
    ended: list[str] = []
    books = books_of(clock, Settings(max_bytes_in_flight=100, client_bytes_in_flight=90))
    with contextlib.ExitStack() as stack:
        slow, small = (visit(books, stack, client, ended) for client in ("slow", "small"))
        slow.reserve(80)
        small.reserve(10)
        other = visit(books, stack, "other", ended)
        with pytest.raises(BusyError):
            other.reserve(20)
        clock.now = 21
        other.reserve(20)
        assert ended == ["slow"]


def test_transfers_that_are_worked_on_never_make_room() -> None:
    clock = Clock()
    ended: list[str] = []
    books = books_of(clock, Settings(max_bytes_in_flight=100, client_bytes_in_flight=90))
    with contextlib.ExitStack() as stack:
        working = visit(books, stack, "working", ended)
        working.reserve(80)
        working.work()
        clock.now = 100
        other = visit(books, stack, "other", ended)
        with pytest.raises(BusyError):
            other.reserve(30)
        assert not ended


def test_one_client_has_only_its_share_of_the_bytes() -> None:
    books = books_of(Clock(), Settings(client_bytes_in_flight=100))
    with contextlib.ExitStack() as stack:
        first, second = (visit(books, stack, "one", []) for _ in range(2))
        first.reserve(80)
        with pytest.raises(TooManyRequestsError):
            second.reserve(30)
        visit(books, stack, "two", []).reserve(80)


def test_a_quick_start_buys_no_patience_for_the_rest() -> None:
    clock = Clock()
    pace = Pace(Settings(transfer_grace_seconds=20.0, min_bytes_per_second=1000), clock=clock)
    clock.now = 1
    assert pace.seconds_left(10_000_000) == 20
    clock.now = 11
    assert pace.seconds_left(10_001_000) == 11
    clock.now = 31
    assert pace.seconds_left(10_001_001) < 0


def test_the_slowest_rate_that_is_allowed_may_go_on_for_ever() -> None:
    clock = Clock()
    pace = Pace(Settings(transfer_grace_seconds=20.0, min_bytes_per_second=1000), clock=clock)
    for second in range(1, 10_000):
        clock.now = second
        assert pace.seconds_left(1000 * second) > 0
