"""A visitor's pictures outlive a lost connection: the browser hands them in, again if it must."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from testbed.page_server import PageServer
from testbed.visitor import LONG, comparison, enter, follow_link, noise, upload, upload_all
from tests.browser.conftest import ONE_THREAD, SAMPLES_ON_DEMAND, OpenPage, Traffic
from webapp.base.texts import texts
from webapp.intake.samples import samples

ENVIRONMENT = {**ONE_THREAD, "SR_MODEL": "fast", "SR_ALLOW_PRIVATE_SOURCES": "1"}
SIZES = {"small.png": (256, 160), "mine.png": (240, 160), "other.png": (200, 120)}


def start_server(log: Path, *, port: int | None = None) -> PageServer:
    return PageServer(log=log, env=ENVIRONMENT, port=port, program=SAMPLES_ON_DEMAND)


class Restarted:
    """A server that can be started anew at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = start_server(folder / "first.txt")

    def stop(self, page: Page) -> None:
        """Stop it, and let the page notice."""
        self.now.stop()
        expect(lost(page)).to_be_visible(timeout=LONG)

    def restart(self, page: Page) -> None:
        """Start it again after its stop, and wait until files are handed in."""
        log = self.folder / "second.txt"
        with page.expect_request("**/upload", timeout=LONG):  # until then all is as it was
            self.now = start_server(log, port=self.now.port)
        expect(lost(page)).to_be_hidden(timeout=LONG)


def lost(page: Page) -> Locator:
    """Return the banner of a lost connection."""
    return page.get_by_role("alert").filter(has_text="was lost")


@pytest.fixture
def server(tmp_path: Path, traffic: Traffic) -> Iterator[Restarted]:
    traffic.allowed_errors += ["ERR_", "WebSocket", "/static/js/", "410"]
    made = Restarted(tmp_path)
    yield made
    made.now.stop()
    sys.stdout.write(made.now.log.read_text(encoding="utf-8", errors="replace"))


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

    server.stop(visit)
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

    server.stop(visit)
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

    server.stop(visit)
    server.restart(visit)

    expect(own(visit, "mine.png")).to_be_checked(timeout=LONG)
    comparison(visit, SIZES["mine.png"])


def test_files_that_are_chosen_while_the_server_is_away_arrive_when_it_is_back(
    server: Restarted, visit: Page, traffic: Traffic
) -> None:
    traffic.allowed_errors.append("403")  # a restarted server does not know the tab at first
    server.stop(visit)
    files = ("mine.png", noise(60, 40, seed=97)), ("other.png", noise(50, 30, seed=98))
    upload_all(visit, *files)
    expect(visit.get_by_text("Uploading mine.png")).to_be_visible()

    server.restart(visit)

    for name, _ in files:
        expect(own(visit, name)).to_be_visible(timeout=LONG)
    expect(visit.get_by_text("The upload did not arrive")).to_have_count(0)


def test_a_file_that_is_chosen_while_the_server_is_away_is_shown_when_it_is_back(
    server: Restarted, visit: Page, traffic: Traffic
) -> None:
    traffic.allowed_errors.append("403")
    upload(visit, "mine.png", noise(60, 40, seed=101))
    comparison(visit, SIZES["mine.png"])
    server.stop(visit)
    upload(visit, "other.png", noise(50, 30, seed=102))

    server.restart(visit)

    expect(own(visit, "mine.png")).to_be_visible(timeout=LONG)
    expect(own(visit, "other.png")).to_be_checked(timeout=LONG)
    comparison(visit, SIZES["other.png"])


def test_a_file_whose_arrival_the_page_did_not_hear_of_is_handed_in_again(
    server: Restarted, visit: Page
) -> None:
    server.stop(visit)
    with visit.expect_response("**/upload"):
        visit.route("**/upload", lambda route: route.fulfill(json={"digest": "0" * 64}), times=1)
        upload(visit, "mine.png", noise(60, 40, seed=103))

    server.restart(visit)

    expect(own(visit, "mine.png")).to_be_checked(timeout=LONG)


def test_a_page_that_is_closed_says_so(quick_address: str, page: Page) -> None:
    page.add_init_script(
        """navigator.sendBeacon = (address, token) => {
             localStorage.setItem("left", JSON.stringify([`${address}`, token]));
           };"""
    )
    enter(page, quick_address)
    token = page.evaluate("sessionStorage.getItem('super-resolution-tab')")

    page.goto(f"{quick_address}/_stcore/health")

    said = page.evaluate("JSON.parse(localStorage.getItem('left'))")
    assert said == [f"{quick_address}/leave", token]


def test_a_file_that_is_chosen_right_after_a_reload_joins_the_others(
    quick_address: str, page: Page
) -> None:
    enter(page, quick_address)
    upload(page, "mine.png", noise(60, 40, seed=104))
    comparison(page, SIZES["mine.png"])

    page.add_init_script(  # a slow line: the page has another tab's token for a while
        """const send = WebSocket.prototype.send;
           WebSocket.prototype.send = function (data) {
             setTimeout(() => send.call(this, data), 1500);
           };"""
    )
    page.reload(wait_until="commit")
    page.locator("button.choose").wait_for()
    upload(page, "other.png", noise(50, 30, seed=105))

    expect(own(page, "mine.png")).to_be_visible(timeout=LONG)
    expect(own(page, "other.png")).to_be_checked(timeout=LONG)


def test_files_that_are_chosen_without_a_network_arrive_when_it_is_back(
    quick_address: str, open_page: OpenPage, traffic: Traffic
) -> None:
    traffic.allowed_errors += ["ERR_INTERNET_DISCONNECTED"]
    page = enter(open_page(viewport={"width": 1280, "height": 901}), quick_address)
    files = ("mine.png", noise(60, 40, seed=99)), ("other.png", noise(50, 30, seed=100))
    page.context.set_offline(True)
    try:
        with page.expect_event("requestfailed"):
            upload_all(page, *files)
    finally:
        page.context.set_offline(False)

    for name, _ in files:
        expect(own(page, name)).to_be_visible(timeout=LONG)
    expect(page.get_by_text("The upload did not arrive")).to_have_count(0)
