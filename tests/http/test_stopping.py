"""SIGTERM: running work is finished, new work is refused, and the process ends well."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import threading
from pathlib import Path

import pytest
import requests

from tests import networks
from tests.http.conftest import (
    STOP_SECONDS,
    Server,
    StartServer,
    long_request,
    small_request,
    until,
)
from tests.http.test_places import unread_answer, whole
from tests.http.test_strangers import everything


def working(server: Server) -> tuple[threading.Thread, list[requests.Response | None]]:
    """Start a request, and return when it is being worked on."""
    answers: list[requests.Response | None] = []

    def ask() -> None:
        try:
            answers.append(server.post(long_request()))
        except requests.ConnectionError:
            answers.append(None)

    thread = threading.Thread(target=ask)
    thread.start()
    until(lambda: server.load()[0] == 1)
    return thread, answers


def is_refused(server: Server) -> bool:
    try:
        server.get("/ping")
    except requests.ConnectionError:
        return True
    return False


def test_a_running_request_is_finished_and_new_ones_are_refused(
    start_server: StartServer,
) -> None:
    server = start_server("--grace-seconds", "600", is_shared=False)
    thread, answers = working(server)
    server.process.send_signal(signal.SIGTERM)
    until(lambda: is_refused(server))
    with pytest.raises(requests.ConnectionError):
        server.post(small_request())
    assert not answers, "the work ended before the new request was refused"
    thread.join()
    assert server.process.wait(timeout=STOP_SECONDS) == 0
    assert answers[0] is not None
    assert answers[0].status_code == 200


def test_after_the_grace_the_work_is_dropped(start_server: StartServer) -> None:
    server = start_server("--grace-seconds", "1", is_shared=False, SR_TILE_SIZE="8")
    thread, answers = working(server)
    assert server.stop() == 0
    thread.join()
    assert answers[0] is not None
    assert (answers[0].status_code, answers[0].json()["error"]) == (503, "busy")
    assert int(answers[0].headers["Retry-After"]) >= 1
    assert not any("Traceback" in line for line in server.log)


def test_a_tile_that_never_ends_does_not_hold_a_server_that_stops(
    start_server: StartServer, tmp_path: Path
) -> None:
    networks.add(tmp_path, "endless", networks.endless())
    server = start_server("--grace-seconds", "1", is_shared=False, SR_MODELS_DIR=str(tmp_path))
    with server.connect() as connection:
        connection.sendall(whole(long_request() | {"model": "endless"}))
        until(lambda: server.load()[0] == 1)
        server.process.send_signal(signal.SIGTERM)
        assert everything(connection).startswith(b"HTTP/1.1 503 ")
    assert server.stop() == 0
    assert not any("Traceback" in line or "terminate" in line for line in server.log)


def test_after_the_grace_everyone_is_told(start_server: StartServer) -> None:
    """Clients are being worked on, waiting for their turn, or still sending."""
    settings = {"SR_ALLOW_PRIVATE_SOURCES": "1", "SR_TILE_SIZE": "32"}
    server = start_server("--grace-seconds", "1", is_shared=False, **settings)
    work = whole(long_request() | {"model": "photo", "scale": 4})
    with socket.create_server(("127.0.0.1", 0)) as silent, contextlib.ExitStack() as stack:
        link = f"http://127.0.0.1:{silent.getsockname()[1]}/picture.png"
        connections = [stack.enter_context(server.connect()) for _ in range(4)]
        for each, request in zip(
            connections, (work, work, work[:-9], whole({"url": link})), strict=True
        ):
            each.sendall(request)
        until(lambda: server.load() == (1, 1))
        server.process.send_signal(signal.SIGTERM)
        for each in connections:
            head, _, body = everything(each).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nretry-after: " in head.lower()
            assert json.loads(body)["error"] == "busy"
    assert server.stop() == 0
    assert not any("Traceback" in line for line in server.log)


def test_one_who_connected_before_the_end_is_answered(start_server: StartServer) -> None:
    server = start_server(is_shared=False)
    request = whole(small_request())
    with server.connect() as begun, server.connect() as silent:
        begun.sendall(request[:9])
        server.get("/ping")  # both were accepted before
        server.process.send_signal(signal.SIGTERM)
        until(lambda: is_refused(server))
        begun.sendall(request[9:])
        assert everything(begun).startswith(b"HTTP/1.1 200 ")
        assert everything(silent) == b""
    assert server.process.wait(timeout=20) == 0
    assert not any("Traceback" in line for line in server.log)


def test_an_answer_that_nobody_reads_does_not_hold_a_server_that_stops(
    start_server: StartServer,
) -> None:
    server = start_server("--grace-seconds", "1", is_shared=False)
    with unread_answer(server, "127.0.0.1"):
        assert server.stop() == 0
    assert not any("Traceback" in line for line in server.log)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_stops_at_once(start_server: StartServer, number: signal.Signals) -> None:
    server = start_server("--grace-seconds", "600", is_shared=False)
    server.process.send_signal(number)
    assert server.process.wait(timeout=120) == 0  # and not after the grace
    assert not any("Traceback" in line for line in server.log)
