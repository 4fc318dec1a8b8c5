"""Real servers: `python -m backend serve` on loopback, started once and kept for the session."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from testbed.loopback import Loopback, Received, Sent
from tests import networks
from tests.paths import ROOT
from tests.pictures import gradient_png

START_SECONDS = 300
STOP_SECONDS = 120
ANSWER_SECONDS = 120
RUNNING_ON = re.compile(r"running on (http://127\.0\.0\.1:\d+)")

StartServer = Callable[..., "Server"]


@dataclass
class Server:
    """One process; its log is read all the time, so that it never blocks."""

    process: subprocess.Popen[str]
    address: str = ""
    log: list[str] = field(default_factory=list)
    is_up: threading.Event = field(default_factory=threading.Event)
    is_read: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)
            found = RUNNING_ON.search(line)
            if found:
                self.address = found[1]
                self.is_up.set()
        self.is_up.set()
        self.is_read.set()

    def logged(self, request_id: str) -> dict[str, Any]:
        """Return the facts of a request; its line comes after its answer."""
        mark = f'"request_id": "{request_id}"'
        until(lambda: any(mark in line for line in self.log))
        line = next(line for line in self.log if mark in line)
        facts: dict[str, Any] = json.loads(line[line.index("{") :])
        return facts

    def post(self, content: object, path: str = "/resolution", **options: Any) -> requests.Response:
        return self.request("POST", path, json=content, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send on a fresh connection, without the environment's proxy."""
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method, self.address + path, **{"timeout": ANSWER_SECONDS, **options}
            )

    @property
    def port(self) -> int:
        port = urlsplit(self.address).port
        assert port is not None
        return port

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        """Connect from a local address of its own, which is a client of its own."""
        return socket.create_connection(
            ("127.0.0.1", self.port), ANSWER_SECONDS, source_address=(source, 0)
        )

    def post_from(self, source: str, content: object) -> tuple[int, dict[str, Any]]:
        """Return status and JSON of the answer to a client with its own address."""
        connection = HTTPConnection(
            "127.0.0.1", self.port, timeout=ANSWER_SECONDS, source_address=(source, 0)
        )
        with contextlib.closing(connection):
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/resolution", json.dumps(content), headers)
            answer = connection.getresponse()
            found: dict[str, Any] = json.loads(answer.read())
            return answer.status, found

    def load(self) -> tuple[int, int]:
        facts = self.get("/ping").json()
        return facts["running"], facts["waiting"]

    def stop(self) -> int:
        """Send SIGTERM; return the exit code once the whole log is read."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=STOP_SECONDS)
        assert self.is_read.wait(STOP_SECONDS)
        return code


def start(*arguments: str, env: Mapping[str, str]) -> tuple[Server, threading.Thread]:
    """Start a server with the settings in `env`, with one thread by default."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SR_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", "serve", "--port", "0", *arguments],
        cwd=ROOT,
        env={**clean, "SR_THREADS": "1", **env},
        stderr=subprocess.PIPE,
        text=True,
    )
    server = Server(process)
    reader = threading.Thread(target=server.watch, daemon=True)
    reader.start()
    if not server.is_up.wait(START_SECONDS) or not server.address:
        process.kill()
        process.wait()
        pytest.fail("the server did not start:\n" + "".join(server.log))
    return server, reader


@pytest.fixture(scope="session")
def start_server() -> Iterator[StartServer]:
    """A function such as `start_server("--grace-seconds", "1", SR_MAX_QUEUED="0")`.

    Equal servers are started once.
    """
    running: dict[object, tuple[Server, threading.Thread]] = {}

    def start_once(*arguments: str, is_shared: bool = True, **env: str) -> Server:
        key = (arguments, frozenset(env.items())) if is_shared else object()
        if key not in running:
            running[key] = start(*arguments, env=env)
        return running[key][0]

    yield start_once
    for server, _ in running.values():
        if server.process.poll() is None:
            server.process.terminate()
    for server, reader in running.values():
        try:
            server.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()
        reader.join(timeout=10)
        assert server.process.stderr is not None
        server.process.stderr.close()


@pytest.fixture(scope="session")
def own_networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of networks: `damaged` was changed on disk, `fragile` fails when it runs."""
    folder = tmp_path_factory.mktemp("networks")
    networks.damage(networks.add(folder, "damaged", networks.blurring()))
    networks.add(folder, "fragile", networks.for_one_size_only())
    return folder


@pytest.fixture(scope="session")
def server(start_server: StartServer, own_networks: Path) -> Iterator[Server]:
    """An ordinary server, except for two bad networks and `url` reaching this machine.

    Whatever the tests did to it, it is idle and answers at the end.
    """
    started = start_server(
        SR_MODELS_DIR=str(own_networks),
        SR_ALLOW_PRIVATE_SOURCES="1",
        SR_SOURCE_TIMEOUT_SECONDS="1",
    )
    yield started
    assert started.load() == (0, 0)
    assert started.post(small_request()).status_code == 200


@pytest.fixture(scope="session")
def tight_server(start_server: StartServer) -> Server:
    """A server with small limits, which refuses private addresses."""
    return start_server(
        SR_MAX_BODY_BYTES="60000",
        SR_MAX_IMAGE_BYTES="30000",
        SR_MAX_REPLY_BYTES="4000",
        SR_MAX_OUTPUT_PIXELS="40000",
    )


@pytest.fixture(scope="session")
def picture_server() -> Iterator[str]:
    """A stand-in for the web: a picture, a missing one, and one that never comes."""
    is_over = threading.Event()

    def answer(request: Received) -> Sent:
        if request.target == "/slow.png":
            is_over.wait(20)
        if request.target == "/picture.png":
            return Sent(body=gradient_png(20, 10))
        return Sent(status=404, body=b"none")

    with Loopback(answer) as web:
        yield web.url
        is_over.set()


def encode_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def small_request(**fields: object) -> dict[str, Any]:
    return {"img": encode_base64(gradient_png(20, 10)), **fields}


def long_request() -> dict[str, Any]:
    """Return a request with seconds of work in many tiles, and small files in and out."""
    return {"img": encode_base64(gradient_png(1500, 1000)), "format": "jpeg"}


def until(is_true: Callable[[], bool], *, seconds: float = 120) -> None:
    """Ask again until it is true; fail if that takes too long."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not is_true():
        assert time.monotonic() < end, "it did not become true in time"
        pause.wait(0.02)
