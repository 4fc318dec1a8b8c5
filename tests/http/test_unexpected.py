"""Unexpected failures are reported without their cause."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest
import requests
import uvicorn

from backend import RequestHandler, Settings, create_engine
from backend.engine import Watch
from backend.http.admission import Admission
from backend.http.app import create_app
from backend.http.server import server_config
from backend.inference.health import Health
from backend.requests.parsing import UpscaleRequest
from tests.http.conftest import small_request, until
from tests.http.test_errors import assert_error


class FaultySource:
    """A source with a bug."""

    def read(self, request: UpscaleRequest, *, max_bytes: int, watch: Watch = Watch()) -> bytes:
        raise ZeroDivisionError(f"secret {max_bytes}")


@pytest.fixture
def faulty_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run the server in this process, to insert the failure."""
    settings = Settings()
    handler = RequestHandler(create_engine(settings), FaultySource(), settings)
    app = create_app(
        handler,
        health=Health(is_ready=True),
        admission=Admission(settings, load=lambda: (0, 0), seconds_until_free=lambda: 0.0),
    )
    config = server_config(app, host="127.0.0.1", port=0, grace_seconds=1, settings=settings)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=20)


def test_a_bug_is_an_internal_error(faulty_server: str, caplog: pytest.LogCaptureFixture) -> None:
    with requests.Session() as session, caplog.at_level(logging.INFO):
        session.trust_env = False
        answer = session.post(faulty_server + "/resolution", json=small_request(), timeout=20)
    assert_error(answer, "internal_error", 500)
    assert "secret" not in answer.text
    assert "secret" in caplog.text, "the log must have the cause"
