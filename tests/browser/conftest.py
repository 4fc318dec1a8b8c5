"""A real Chromium against a real `streamlit run`, with every request and console line watched."""

import json
import os
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from testbed.chromium import chromium_path, launch
from testbed.page_server import PageServer
from testbed.processes import free_ports
from testbed.visitor import noise

ONE_THREAD = {"SR_THREADS": "1"}
"""One thread: waiting threads waste the time of a machine that runs other tests too."""
SAMPLES_ON_DEMAND = "tests.browser.samples_on_demand"
"""A program for servers whose tests do not need the results of all samples."""
MOVING = {"reduced_motion": "no-preference"}
"""The option of a page whose divider demonstrates itself, and on which things glide."""
EXPECT_MILLISECONDS = 60_000

FAILED = pytest.StashKey[bool]()

StartServer = Callable[..., str]
OpenPage = Callable[..., Page]


@dataclass
class Traffic:
    """The requests and complaints of one test's pages."""

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
    """Return whether opening `url` stays here; `blob:` and `data:` open no connection."""
    parts = urlsplit(url)
    return parts.scheme in ("blob", "data", "about") or parts.hostname == "127.0.0.1"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser a session; without Chromium the test is skipped, under CI it fails."""
    if chromium_path() is None:
        reason = "browser tests need Chromium: apt-get install chromium-headless-shell"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=EXPECT_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def traffic() -> Traffic:
    """The record of the test's pages; add the errors that a test provokes to `allowed_errors`."""
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


@pytest.fixture(scope="session")
def contexts(chromium: Browser) -> Callable[..., BrowserContext]:
    """One context for the same options, which has the page's scripts after its first page.

    A tab's memory is in the storage of that tab alone, so the next test's page is a new visitor.
    """
    made: dict[str, BrowserContext] = {}

    def context(**options: Any) -> BrowserContext:
        key = json.dumps(options, sort_keys=True)
        if key not in made:
            made[key] = chromium.new_context(**options)
            made[key].set_default_timeout(EXPECT_MILLISECONDS)
        return made[key]

    return context


@pytest.fixture
def open_page(
    contexts: Callable[..., BrowserContext], traffic: Traffic, request: pytest.FixtureRequest
) -> Iterator[OpenPage]:
    """Open pages with the options of `Browser.new_context`; check at the end that none complained.

    Pages are still unless `MOVING` is an option: half of a page's processor time is the divider's
    demonstration. The record of a failed test's pages is printed.
    """
    pages: list[Page] = []

    def open_(**options: Any) -> Page:
        page = contexts(**{"reduced_motion": "reduce", **options}).new_page()
        pages.append(page)
        traffic.watch(page)
        return page

    yield open_
    for page in pages:
        if request.node.stash.get(FAILED, False) and not page.is_closed():
            sys.stdout.write(f"{page.url}\n{page.locator('body').aria_snapshot()}\n")
        page.close()
    assert traffic.strangers == [], "the page spoke to another machine"
    assert traffic.unexpected_errors == [], "the browser's console shows errors"


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A page of desktop size, without motion."""
    return open_page(viewport={"width": 1280, "height": 900})


@pytest.fixture
def moving_page(open_page: OpenPage) -> Page:
    """The same page with motion."""
    return open_page(viewport={"width": 1280, "height": 900}, **MOVING)


@pytest.fixture
def quick_address(streamlit_server: StartServer) -> str:
    """One server for all tests that do not depend on the tier; links may lead to loopback."""
    env = {"SR_ALLOW_PRIVATE_SOURCES": "1", "SR_ASK_SECONDS": "86400", "SR_MODEL": "fast"}
    return streamlit_server("webapp/app.py", env=env, program=SAMPLES_ON_DEMAND)


@pytest.fixture
def asking(streamlit_server: StartServer) -> str:
    """A server that asks before anything is begun but the samples, which it makes at its start."""
    env = {"SR_ASK_SECONDS": "0.001", "SR_MODEL": "fast"}
    return streamlit_server("webapp/app.py", env=env)


@pytest.fixture
def loopback(tmp_path: Path) -> Iterator[str]:
    """A web server with a small picture, an empty file and something else.

    An address with `?seconds=3` is answered that much later.
    """
    (tmp_path / "small.png").write_bytes(noise(64, 40, seed=30))
    (tmp_path / "notes.json").write_text("{}")
    (tmp_path / "empty.png").touch()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(tmp_path))  # type: ignore[arg-type]

        def do_GET(self) -> None:
            seconds = parse_qs(urlsplit(self.path).query).get("seconds", ["0"])[0]
            threading.Event().wait(float(seconds))
            super().do_GET()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def streamlit_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Start `streamlit run SCRIPT` and return its address; equal arguments start it once."""
    running: dict[tuple[str, str, frozenset[tuple[str, str]]], PageServer] = {}
    logs = tmp_path_factory.mktemp("streamlit")

    def start(
        script: Path | str, *, env: Mapping[str, str] | None = None, program: str = "streamlit"
    ) -> str:
        identity = (str(script), program, frozenset((env or {}).items()))
        if identity not in running:
            (port,) = free_ports()
            log = logs / f"{Path(script).stem}-{port}.log"
            given = {**ONE_THREAD, **(env or {})}
            running[identity] = PageServer(script, log=log, env=given, port=port, program=program)
        return running[identity].address

    yield start
    for server in running.values():
        server.ask_to_stop()
    for server in running.values():
        server.stop()
