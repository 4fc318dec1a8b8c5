"""Fixtures for all tests: real networks, real pictures."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from PIL import Image

from backend import LocalEngine, RequestHandler, Settings, create_engine
from backend.requests.sources.any_source import AnySource
from tests import pictures
from tests.paths import SAMPLES

NOTHING_SKIPPED = os.environ.get("CI", "").lower() == "true"


@pytest.fixture(scope="session", autouse=True)
def _user_without_networks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide the networks that the user of this machine has added."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session")
def engine() -> LocalEngine:
    """The shipped networks with the default settings, except for a single thread.

    Waiting threads waste the time of a machine that runs other tests too.
    """
    return create_engine(Settings(threads=1))


@pytest.fixture(scope="session")
def handler(engine: LocalEngine) -> RequestHandler:
    """The same engine behind the protocol."""
    return RequestHandler(engine, AnySource(engine.settings), engine.settings)


@pytest.fixture(scope="session")
def photo() -> Image.Image:
    """A small colour photograph, 96 x 64."""
    with Image.open(SAMPLES / "cat.jpg") as opened:
        return opened.convert("RGB").crop((60, 40, 156, 104))


@pytest.fixture
def photo_bytes(photo: Image.Image) -> Callable[..., bytes]:
    """The photograph saved in a format: `photo_bytes("PNG")`."""

    return partial(pictures.save, photo)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A reserved port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run under continuous integration if tests were skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if NOTHING_SKIPPED and reporter and skipped:
        reporter.write_line(
            f"{len(skipped)} tests were skipped, and under CI none may be", red=True
        )
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
