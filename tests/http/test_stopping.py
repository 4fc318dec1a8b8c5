"""SIGTERM: what runs is finished, what comes is refused, and the process ends well."""

from __future__ import annotations

import signal
import threading

import pytest
import requests

from tests.http.conftest import Server, StartServer, long_request, small_request, until


def working(server: Server) -> tuple[threading.Thread, list[requests.Response | None]]:
    """A request that is being worked on when this returns."""
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
        server.get("/ping", timeout=5)
    except requests.ConnectionError:
        return True
    return False


def test_a_running_request_is_finished_and_new_ones_are_refused(
    start_server: StartServer,
) -> None:
    server = start_server(is_shared=False)
    thread, answers = working(server)
    server.process.send_signal(signal.SIGTERM)
    until(lambda: is_refused(server))
    with pytest.raises(requests.ConnectionError):
        server.post(small_request())
    assert not answers, "the work ended before the new request was refused"
    thread.join()
    assert server.process.wait(timeout=30) == 0
    assert answers[0] is not None
    assert answers[0].status_code == 200


def test_after_the_grace_the_work_is_dropped(start_server: StartServer) -> None:
    server = start_server("--grace-seconds", "1", is_shared=False, SR_THREADS="1", SR_TILE_SIZE="8")
    thread, answers = working(server)
    assert server.stop() == 0
    thread.join()
    assert answers[0] is None or answers[0].status_code != 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_stops_at_once(start_server: StartServer, number: signal.Signals) -> None:
    server = start_server(is_shared=False)
    server.process.send_signal(number)
    assert server.process.wait(timeout=10) == 0
    assert not any("Traceback" in line for line in server.log)
