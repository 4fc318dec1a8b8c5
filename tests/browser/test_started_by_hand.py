"""The page as a developer starts it, without `--server.headless`: Streamlit may add to it then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from testbed.page_server import PageServer
from testbed.visitor import enter


class StartedByHand(PageServer):
    """A server that believes that somebody sits before it."""

    def _options(self) -> list[str]:
        return [*super()._options(), "--server.headless=false"]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    (tmp_path / ".cursor").mkdir()  # Streamlit offers something to those who have such tools
    environment = {"HOME": str(tmp_path), "BROWSER": "true", "SR_MODEL": "fast"}
    server = StartedByHand(log=tmp_path / "log.txt", env=environment)
    yield server.address
    server.stop()


def test_no_advice_of_streamlit_covers_the_page(address: str, page: Page) -> None:
    enter(page, address)

    nudge = page.locator("[data-testid=stSkillsNudge]")
    expect(nudge).to_be_attached(timeout=30_000)  # else Streamlit's name for it has changed
    expect(nudge).to_be_hidden()
