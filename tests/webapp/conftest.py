"""Fixtures for every test of the page."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from webapp.base.files import Disk

SECONDS = 300.0


@pytest.fixture(autouse=True)
def no_fault(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test if the page logged an internal error, which it only explains."""
    yield
    assert [each for each in caplog.get_records("call") if each.name == "webapp.page"] == []


@pytest.fixture(autouse=True)
def _no_job_left_behind() -> Iterator[None]:
    """Wait for running networks, which would crash the interpreter at its end."""
    yield
    for thread in threading.enumerate():
        if thread.name == "job":
            thread.join(SECONDS)


@pytest.fixture(scope="module")
def disk() -> Disk:
    return Disk(max_bytes=2**30)
