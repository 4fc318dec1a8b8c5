"""A visitor's pictures outlive a restart of the server, because the browser hands them in again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from testbed.page_server import PageServer
from testbed.visitor import LONG, comparison, enter, follow_link, noise, upload
from tests.browser.conftest import ONE_THREAD, OpenPage, Traffic
from webapp.base.texts import texts
from webapp.intake.samples import samples

ENVIRONMENT = {**ONE_THREAD, "SR_MODEL": "fast", "SR_ALLOW_PRIVATE_SOURCES": "1"}
SIZES = {"small.png": (256, 160), "mine.png": (240, 160), "other.png": (200, 120)}


class Restarted:
    """A server that can be started anew at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = PageServer(log=folder / "first.txt", env=ENVIRONMENT)

    def restart(self, page: Page) -> None:
        """Stop it, let the page notice, start it again, and wait until files are handed in."""
        lost = page.get_by_role("alert").filter(has_text="was lost")
        self.now.stop()
        expect(lost).to_be_visible(timeout=LONG)
        log = self.folder / "second.txt"
        with page.expect_request("**/upload", timeout=LONG):  # until then all is as it was
            self.now = PageServer(log=log, env=ENVIRONMENT, port=self.now.port)
        expect(lost).to_be_hidden(timeout=LONG)


@pytest.fixture
def server(tmp_path: Path, traffic: Traffic) -> Iterator[Restarted]:
    traffic.allowed_errors += ["ERR_", "WebSocket", "/static/js/", "410"]
    made = Restarted(tmp_path)
    yield made
    made.now.stop()


@pytest.fixture
def visit(server: Restarted, open_page: OpenPage) -> Page:
    return enter(open_page(viewport={"width": 1280, "height": 900}), server.now.address)


def own(page: Page, name: str) -> Locator:
    """Return one of the visitor's pictures, by its file's name."""
    pictures = page.get_by_role("radiogroup", name="Your pictures")
    return pictures.get_by_role("radio", name=f"{name}: done")


def test_a_picture_behind_a_link_and_files_are_there_again(
    server: Restarted, visit: Page, loopback: str
) -> None:
    upload(visit, "mine.png", noise(60, 40, seed=94))
    comparison(visit, SIZES["mine.png"])
    follow_link(visit, f"{loopback}/small.png")
    comparison(visit, SIZES["small.png"])
    upload(visit, "other.png", noise(50, 30, seed=95))
    comparison(visit, SIZES["other.png"])
    own(visit, "small.png").click()
    comparison(visit, SIZES["small.png"])

    server.restart(visit)

    for name in SIZES:
        expect(own(visit, name)).to_be_visible(timeout=LONG)
    expect(own(visit, "small.png")).to_be_checked()
    comparison(visit, SIZES["small.png"])


def test_no_sample_takes_the_place_of_a_picture_that_comes_back(
    server: Restarted, visit: Page
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    upload(visit, "mine.png", noise(60, 40, seed=97))
    comparison(visit, SIZES["mine.png"])
    visit.route("**/upload", hold)
    visit.evaluate(
        """caption => {
             const look = () => { window.seen ||= document.body.innerText.includes(caption); };
             new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
           }""",
        texts("en")(f"sample.{next(iter(samples().values())).name}.caption"),
    )

    server.restart(visit)

    expect(visit.get_by_text("coming back")).to_be_visible()
    expect(visit.locator(".comparison")).to_have_count(0)

    held[0].continue_()

    comparison(visit, SIZES["mine.png"])
    expect(visit.get_by_text("coming back")).to_have_count(0)
    assert not visit.evaluate("window.seen")


def test_a_turned_picture_is_there_again_as_its_file_is(server: Restarted, visit: Page) -> None:
    upload(visit, "mine.png", noise(60, 40, seed=96))
    comparison(visit, SIZES["mine.png"])
    visit.get_by_role("button", name="Turn left").click()
    comparison(visit, (160, 240))

    server.restart(visit)

    expect(own(visit, "mine.png")).to_be_checked(timeout=LONG)
    comparison(visit, SIZES["mine.png"])
