"""Complete journeys: by keyboard alone, through a lost connection, and away to another tab."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from testbed.page_server import PageServer
from testbed.visitor import (
    LONG,
    choose_drawing,
    comparison,
    enhance_button,
    enter,
    noise,
    opened,
    progress,
    saved,
    scales,
    stop_the_job,
    upload,
)
from tests.browser.conftest import ONE_THREAD, SAMPLES_ON_DEMAND, OpenPage, Traffic
from tests.browser.test_accessibility import violations
from webapp.base.texts import texts

QUICK = {**ONE_THREAD, "SR_MODEL": "fast"}
start_server = partial(PageServer, program=SAMPLES_ON_DEMAND)
NOTIFICATIONS = """
window.told = [];
window.questions = 0;
window.Notification = class {
  static permission = "default";
  static requestPermission() {
    window.questions += 1;
    Notification.permission = "granted";
    return Promise.resolve("granted");
  }
  constructor(text) { window.told.push(text); }
};
window.isAway = false;
Object.defineProperty(document, "hidden", { get: () => window.isAway });
"""
"""A script for a browser that grants every permission, and a tab that can be left."""


@pytest.fixture
def address(quick_address: str) -> str:
    return quick_address


def tab_to(page: Page, wanted: Locator, *, key: str = "Tab") -> None:
    """Press Tab until the element has the focus."""
    for _ in range(80):
        if wanted.evaluate("each => each.matches(':focus')"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"Tab does not lead to {wanted}")


def test_the_whole_journey_by_keyboard_alone(address: str, page: Page, tmp_path: Path) -> None:
    picture = tmp_path / "mine.png"
    picture.write_bytes(noise(60, 40, seed=93))
    page.on("filechooser", lambda _: None)  # or the first one might be opened by the browser
    enter(page, address)

    tab_to(page, page.get_by_role("button", name="Choose pictures"))
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(picture)
    comparison(page, (240, 160))

    tab_to(page, scales(page))
    page.keyboard.press("2")
    shown = comparison(page, (120, 80))

    tab_to(page, shown.get_by_role("slider"), key="Shift+Tab")
    page.keyboard.press("End")
    expect(shown.get_by_role("slider")).to_have_attribute("aria-valuenow", "100")
    page.keyboard.press("Shift+ArrowLeft")
    expect(shown.get_by_role("slider")).to_have_attribute("aria-valuenow", "90")

    tab_to(page, page.get_by_role("group", name="Save the result").get_by_role("link"))
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    with Image.open(download.value.path()) as image:
        assert image.size == (120, 80)


def test_a_lost_connection_is_told_in_the_visitors_language_and_the_file_handed_in_again(
    open_page: OpenPage, tmp_path: Path, traffic: Traffic
) -> None:
    traffic.allowed_errors += ["ERR_", "WebSocket", "/static/js/"]  # Streamlit's complaints
    t = texts("de")
    server = start_server(log=tmp_path / "first.txt", env=QUICK)
    try:
        page = enter(open_page(locale="de"), server.address)
        upload(page, "meins.png", noise(60, 40, seed=94))
        badge = page.locator(".st-key-result .comparison[data-state=ready] .badge[data-side=after]")
        expect(badge).to_have_text("Nachher · 240 × 160", timeout=LONG)
        banner = page.get_by_role("alert").filter(has_text=t("picker.lost"))
        expect(banner).to_be_hidden()

        server.stop()

        expect(banner).to_be_visible(timeout=LONG)
        for theirs in ("stDialog", "stConnectionStatus"):
            expect(page.get_by_test_id(theirs).filter(visible=True)).to_have_count(0)
        expect(badge).to_be_visible()
        assert violations(page) == [], "without a connection"

        with page.expect_request("**/upload", timeout=LONG):
            server = start_server(log=tmp_path / "second.txt", env=QUICK, port=server.port)
        expect(banner).to_be_hidden(timeout=LONG)
        own = page.get_by_role("radiogroup", name=t("own.label"))
        expect(own.get_by_role("radio", name=re.compile("^meins.png"))).to_be_checked(timeout=LONG)
        expect(badge).to_have_text("Nachher · 240 × 160", timeout=LONG)
    finally:
        server.stop()


def test_work_that_a_restart_of_the_server_ended_is_begun_again(
    open_page: OpenPage, tmp_path: Path, traffic: Traffic
) -> None:
    traffic.allowed_errors += ["ERR_", "WebSocket", "/static/js/", "410"]
    env = {**QUICK, "SR_ASK_SECONDS": "86400"}
    server = start_server(log=tmp_path / "first.txt", env=env)
    try:
        page = enter(open_page(viewport={"width": 1280, "height": 900}), server.address)
        upload(page, "large.png", saved(Image.radial_gradient("L").resize((3600, 2700))))
        expect(page).to_have_title(re.compile("^[0-9]+%"), timeout=LONG)
        time_left = page.locator(".bar .text").filter(has_text="left")
        expect(time_left).to_be_visible(timeout=LONG)

        server.stop()

        expect(page.get_by_role("alert").filter(has_text="was lost")).to_be_visible(timeout=LONG)
        expect(time_left).to_have_count(0)
        expect(page.get_by_role("button", name="Stop", exact=True)).to_be_disabled()
        expect(page).not_to_have_title(re.compile("%"))

        with page.expect_request("**/upload", timeout=LONG):
            server = start_server(log=tmp_path / "second.txt", env=env, port=server.port)
        expect(page).to_have_title(re.compile("^[0-9]+%"), timeout=LONG)
        stop_the_job(page)
    finally:
        server.stop()


def test_a_notification_is_asked_for_once_and_comes_only_to_a_tab_that_was_left(
    asking: str, page: Page
) -> None:
    page.add_init_script(NOTIFICATIONS)
    enter(page, asking)
    offer = page.get_by_role("button", name="Tell me when it is done")
    upload(page, "large.png", saved(Image.radial_gradient("L").resize((3600, 2700))))
    enhance_button(page).click(timeout=LONG)
    expect(progress(page)).to_be_visible(timeout=LONG)
    assert page.evaluate("window.questions") == 0
    offer.click(timeout=LONG)
    expect(offer).to_have_count(0)
    stop_the_job(page)

    for width, is_away, told in ((1200, False, []), (1300, True, ["Your picture is done"])):
        upload(page, f"{width}.png", saved(Image.radial_gradient("L").resize((width, 900))))
        opened(page, (2 * width, 1800))
        page.evaluate("isAway => { window.isAway = isAway; }", is_away)
        enhance_button(page).click()
        comparison(page, (2 * width, 1800))
        assert page.evaluate("window.told") == told
    assert page.evaluate("window.questions") == 1


def test_axe_finds_nothing_with_several_pictures_a_frame_and_a_first_look(
    address: str, page: Page
) -> None:
    enter(page, address)
    files = [("one.png", noise(60, 40, seed=96)), ("two.png", noise(50, 40, seed=97))]
    for name, content in files:
        upload(page, name, content)
        expect(page.get_by_role("radio", name=f"{name}: done")).to_be_visible(timeout=LONG)
    assert violations(page) == [], "with several pictures"

    page.get_by_role("button", name="Crop").click()
    expect(page.get_by_role("button", name="Part to keep")).to_be_visible()
    assert violations(page) == [], "with a frame"
    page.get_by_role("button", name="Cancel").click()

    choose_drawing(page)
    upload(page, "large.png", saved(Image.radial_gradient("L").resize((3600, 2700))))
    shown = page.locator(".comparison[data-state=making]")
    expect(shown.locator(".look")).to_have_js_property("complete", True, timeout=LONG)
    assert violations(page) == [], "with a first look"
    stop_the_job(page)
