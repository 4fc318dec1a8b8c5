"""The page as a process: `streamlit run webapp/app.py` with few descriptors, ended by a signal."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from testbed.processes import free_ports
from tests import networks
from tests.paths import ROOT
from webapp.base.files import PREFIX

FEW = 256
"""The number of descriptors that macOS gives a process."""
START_SECONDS = 300
FIRST_RUN = """
import gc, sys
from streamlit.testing.v1 import AppTest
from webapp.app import keep_loaded

keep_loaded()
loaded, kept = set(sys.modules), gc.get_freeze_count()
run = AppTest.from_file("webapp/page.py", default_timeout=100).run()
assert run.title[0].value == "Make pictures sharp"
new = [name for name in sys.modules if name not in loaded]
print("new:", *[name for name in new if name.startswith(("webapp", "pandas"))])
print("kept:", kept > 10 * len(gc.get_objects()), kept, len(gc.get_objects()))
"""
"""A program that makes the first run of the page's script."""


def is_healthy(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


class Page:
    """One page below `/sharp`, with its log and files in a folder."""

    def __init__(self, folder: Path, **settings: str) -> None:
        (self.port,) = free_ports()
        self.files = folder / "tmp"
        self.files.mkdir()
        self.log = folder / "log"
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, limits[1]))
        try:
            with self.log.open("wb") as log:
                self.process = subprocess.Popen(
                    [
                        *(sys.executable, "-m", "backend", "page", "--no-browser"),
                        *("--port", str(self.port), "--", "--server.baseUrlPath=sharp"),
                    ],
                    cwd=ROOT,
                    env={**os.environ, "TMPDIR": str(self.files), **settings},
                    stdout=log,
                    stderr=log,
                )
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    def is_healthy(self) -> bool:
        return is_healthy(self.port, "/sharp/_stcore/health")

    def wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while not self.is_healthy():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end
            time.sleep(0.1)

    def wait_for_samples(self) -> None:
        """Wait until the samples are being made."""
        end = time.monotonic() + START_SECONDS
        while not any(self.files.glob(f"{PREFIX}*/*")):
            assert time.monotonic() < end
            time.sleep(0.1)


@contextmanager
def started(folder: Path, **settings: str) -> Iterator[Page]:
    page = Page(folder, **settings)
    try:
        page.wait()
        yield page
    finally:
        if page.process.poll() is None:
            page.process.kill()
        page.process.wait()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with started(tmp_path) as page:
        yield page


def test_silent_sockets_close_nobody_out_and_a_signal_leaves_no_picture(page: Page) -> None:
    size = page.log.stat().st_size
    sockets = []
    try:
        for _ in range(300):
            sockets.append(socket.create_connection(("127.0.0.1", page.port), timeout=20))
        assert all(page.is_healthy() for _ in range(5))
        assert not is_healthy(page.port, "/sharp/_stcore/metrics")
    finally:
        for each in sockets:
            each.close()
    assert page.log.stat().st_size - size < 10_000
    page.wait_for_samples()
    page.process.send_signal(signal.SIGTERM)
    page.process.wait(timeout=60)
    assert [each for each in page.files.rglob("*") if each.is_file()] == []
    assert "Traceback" not in page.log.read_text()


def test_ctrl_c_while_the_samples_are_made_ends_without_a_traceback(page: Page) -> None:
    page.process.send_signal(signal.SIGINT)
    assert page.process.wait(timeout=60) == 130
    assert [each for each in page.files.rglob("*") if each.is_file()] == []
    assert "Traceback" not in page.log.read_text()


def test_ctrl_c_within_a_tile_that_never_ends_ends_the_page_in_silence(tmp_path: Path) -> None:
    networks.add(tmp_path, "endless", networks.endless())
    with started(tmp_path, SR_MODELS_DIR=str(tmp_path), SR_MODEL="endless") as page:
        page.wait_for_samples()
        page.process.send_signal(signal.SIGINT)
        assert page.process.wait(timeout=60) == 130
        assert [each for each in page.files.rglob("*") if each.is_file()] == []
        log = page.log.read_text()
    assert "terminate" not in log
    assert "Abort" not in log


def test_what_all_visitors_need_is_loaded_before_the_first_and_not_searched_for_garbage(
    tmp_path: Path,
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", FIRST_RUN],
        cwd=ROOT,
        env={**environment, "SR_MODEL": "fast"},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert "new:" in lines, done.stdout + done.stderr
    assert lines[-1].startswith("kept: True"), done.stdout
