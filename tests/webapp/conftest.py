"""What holds for every test of the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from webapp.base.files import Disk


@pytest.fixture(autouse=True)
def no_fault(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The page explains its own faults in place of failing; only its log shows them to a test."""
    yield
    assert [each for each in caplog.get_records("call") if each.name == "webapp.page"] == []


@pytest.fixture(scope="module")
def disk() -> Disk:
    return Disk(max_bytes=2**30)
