"""A real Chromium against a real `streamlit run`, with every request and console line watched."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]
BROWSERS = "chromium-headless-shell", "chromium", "chromium-browser"
"""Debian's; the first is the same browser without windows and costs two thirds as much."""
ONE_THREAD = {"SR_THREADS": "1"}
"""Threads that wait for one another waste the time of a machine that runs other tests too."""
START_SECONDS = 60.0
EXPECT_MILLISECONDS = 60_000

FAILED = pytest.StashKey[bool]()

StartServer = Callable[..., str]
OpenPage = Callable[..., Page]


@dataclass
class Traffic:
    """What the pages of one test asked for, and what they complained about."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    allowed_errors: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._hear)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} {message.location['url']}")

    @property
    def strangers(self) -> list[str]:
        """Addresses outside this machine."""
        return [url for url in self.requests if not is_local(url)]

    @property
    def unexpected_errors(self) -> list[str]:
        return [
            error
            for error in self.errors
            if not any(allowed in error for allowed in self.allowed_errors)
        ]


def is_local(url: str) -> bool:
    """Whether opening `url` stays on this machine; `blob:` and `data:` open no connection."""
    parts = urlsplit(url)
    return parts.scheme in ("blob", "data", "about") or parts.hostname == "127.0.0.1"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser a session; without Chromium the test is skipped, under CI it fails."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        reason = "browser tests need Chromium: apt-get install chromium-headless-shell"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=EXPECT_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def traffic() -> Traffic:
    """The record of the test's pages; add to `allowed_errors` what a test provokes on purpose."""
    return Traffic()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let fixtures know whether their test failed."""
    report = yield
    if call.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture
def open_page(
    chromium: Browser, traffic: Traffic, request: pytest.FixtureRequest
) -> Iterator[OpenPage]:
    """Opens pages with the options of `Browser.new_context`; at the end all must have been calm.

    What the pages of a failed test show is printed.
    """
    contexts = []

    def open_(**options: Any) -> Page:
        context = chromium.new_context(**options)
        context.set_default_timeout(EXPECT_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        traffic.watch(page)
        return page

    yield open_
    for context in contexts:
        if request.node.stash.get(FAILED, False):
            for each in context.pages:
                sys.stdout.write(f"{each.url}\n{each.locator('body').aria_snapshot()}\n")
        context.close()
    assert traffic.strangers == [], "the page spoke to another machine"
    assert traffic.unexpected_errors == [], "the browser's console shows errors"


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A page of desktop size."""
    return open_page(viewport={"width": 1280, "height": 900})


@pytest.fixture(scope="session")
def streamlit_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Starts `streamlit run SCRIPT` and gives its address; the same script and env start once."""
    running: dict[tuple[Path, frozenset[tuple[str, str]]], str] = {}
    processes: list[subprocess.Popen[bytes]] = []
    logs = tmp_path_factory.mktemp("streamlit")

    def start(script: Path | str, *, env: Mapping[str, str] | None = None) -> str:
        path = (ROOT / script).resolve()
        identity = (path, frozenset((env or {}).items()))
        if identity in running:
            return running[identity]
        port = free_port()
        log = logs / f"{path.stem}-{port}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", str(path), *options(port)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **ONE_THREAD, **(env or {})},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        processes.append(process)
        address = f"http://127.0.0.1:{port}"
        wait_until_healthy(address, process=process, log=log)
        running[identity] = address
        return address

    yield start
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def options(port: int) -> list[str]:
    return [
        f"--server.port={port}",
        "--server.address=127.0.0.1",
        "--server.headless=true",
        "--server.fileWatcherType=none",
        "--browser.gatherUsageStats=false",
    ]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until_healthy(address: str, *, process: subprocess.Popen[bytes], log: Path) -> None:
    """Returns once the server answers; fails with its log where it ended or took too long."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    pause = threading.Event()
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            with opener.open(f"{address}/_stcore/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pause.wait(0.1)
    pytest.fail(f"streamlit did not start:\n{log.read_text(errors='replace')}")
