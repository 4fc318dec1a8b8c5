"""Pictures that become sharp while one watches: a first look, pieces, and the bar's states."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from testbed.visitor import (
    LONG,
    choose_drawing,
    choose_scale,
    comparison,
    enhance_button,
    enter,
    let_jobs_end,
    noise,
    opened,
    pass_time,
    press_as_jobs_end,
    progress,
    room_for_the_size,
    saved,
    scales,
    stop_the_job,
    stop_the_jobs,
    upload,
    upload_by_path,
)
from tests.browser.conftest import MOVING, Traffic

SCREENS: dict[str, dict[str, object]] = {
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "low": {"viewport": {"width": 1366, "height": 650}},
    "200%": {"viewport": {"width": 640, "height": 450}, "device_scale_factor": 2},
}


@pytest.fixture
def address(quick_address: str) -> str:
    return quick_address


@pytest.fixture
def visit(address: str, page: Page) -> Page:
    return enter(page, address)


def large(page: Page) -> None:
    """Upload a picture whose work lasts as long as any test."""
    choose_drawing(page)
    upload(page, "large.png", saved(Image.radial_gradient("L").resize((3600, 2700))))
    row = page.get_by_role("radiogroup", name="Your pictures")
    expect(row.get_by_role("radio", name="large.png")).to_be_checked(timeout=LONG)
    expect(progress(page)).to_be_visible(timeout=LONG)


def bar_is_inside(page: Page) -> None:
    """Check that the whole bar is in the window, wherever the page is scrolled."""
    size = page.viewport_size
    assert size is not None
    for place in (0, 100_000):
        page.locator("[data-testid=stMain]").evaluate("(each, to) => each.scrollTo(0, to)", place)
        page.wait_for_timeout(200)
        box = page.locator(".st-key-bar").bounding_box()
        assert box is not None
        if place == 0 or page.evaluate("matchMedia('(max-width: 800px)').matches"):
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= size["height"] + 1
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size["width"]
    controls = page.locator(".st-key-bar .control").filter(visible=True).all()
    boxes = [each.bounding_box() for each in controls]
    for one, other in combinations([each for each in boxes if each is not None], 2):
        is_beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
        is_above = one["y"] + one["height"] <= other["y"]
        assert is_beside or is_above, (one, other)


@pytest.mark.parametrize("screen", SCREENS)
def test_the_bar_is_inside_the_window_in_every_state(
    address: str, asking: str, open_page: Callable[..., Page], screen: str
) -> None:
    page = open_page(**SCREENS[screen])
    pass_time(page)
    enter(page, address)
    expect(page.get_by_role("link", name=re.compile("^Save"))).to_be_in_viewport(ratio=1)
    bar_is_inside(page)

    choose_scale(page, 4)
    large(page)
    stop = page.get_by_role("button", name="Stop", exact=True)
    expect(stop).to_be_in_viewport(ratio=1)
    bar_is_inside(page)
    expect(page).to_have_title(re.compile("^[0-9]+%"), timeout=LONG)  # it has heard of the job
    stop.click()
    expect(page.get_by_role("button", name="Stop it")).to_be_in_viewport(ratio=1)
    bar_is_inside(page)
    page.get_by_role("button", name="Stop it").click()
    expect(enhance_button(page)).to_be_in_viewport(ratio=1, timeout=LONG)
    bar_is_inside(page)

    page = enter(open_page(**SCREENS[screen]), asking)
    upload(page, "noise.png", noise(90, 60, seed=71))
    opened(page, (360, 240))
    expect(enhance_button(page)).to_be_in_viewport(ratio=1)
    bar_is_inside(page)


def test_the_bar_is_as_wide_as_the_page_on_a_tablet(
    address: str, open_page: Callable[..., Page]
) -> None:
    page = enter(open_page(viewport={"width": 820, "height": 1180}, has_touch=True), address)

    bar = page.locator(".st-key-bar").bounding_box()
    picture = page.locator(".st-key-result").bounding_box()
    assert bar is not None
    assert picture is not None
    assert (bar["x"], bar["width"]) == (picture["x"], picture["width"])


@pytest.mark.parametrize("screen", ["200%", "phone"])
def test_the_time_that_is_left_is_read_in_whole(
    address: str, open_page: Callable[..., Page], screen: str
) -> None:
    """Beside a job of another size too."""
    page = enter(open_page(**SCREENS[screen]), address)
    choose_scale(page, 4)
    large(page)
    fits = """(each) => {
      each.textContent = "Enhancing … about 12 min left";
      const words = document.createRange();
      words.selectNodeContents(each); // fractions of a pixel are enough to cut a word
      return words.getBoundingClientRect().width <= each.getBoundingClientRect().width;
    }"""
    assert page.locator(".bar .text").evaluate(fits)

    choose_scale(page, 2)
    other = page.get_by_role("button", name="Stop 4× · Text and drawing")
    expect(other).to_be_visible()
    assert page.locator(".bar .text").evaluate(fits)
    stop_the_jobs(page, other)


def test_the_chosen_size_is_read_in_whole(address: str, open_page: Callable[..., Page]) -> None:
    page = enter(open_page(**SCREENS["200%"]), address)
    large(page)

    room = room_for_the_size(page)
    stop_the_job(page)

    assert room >= 0


def test_the_zoom_is_in_sight_below_a_refusal_in_a_low_window(
    address: str, open_page: Callable[..., Page]
) -> None:
    page = enter(open_page(**SCREENS["low"]), address)
    upload(page, "notes.txt", b"no picture")
    expect(page.get_by_role("alert").filter(has_text="not a picture")).to_be_visible(timeout=LONG)
    page.wait_for_timeout(500)

    zoom = page.get_by_role("button", name="Fit").bounding_box()
    bar = page.locator(".st-key-bar").bounding_box()

    assert zoom is not None
    assert bar is not None
    assert zoom["y"] + zoom["height"] <= bar["y"]


def test_a_large_picture_is_seen_whole_at_once_and_then_painted_piece_by_piece(
    visit: Page,
) -> None:
    large(visit)

    shown = visit.locator(".comparison[data-state=making]")
    expect(shown.locator(".look")).to_have_js_property("complete", True, timeout=LONG)
    expect(shown.locator(".piece").first).to_be_attached(timeout=LONG)
    expect(shown.locator(".badge[data-side=after]")).to_have_text("First look")
    expect(progress(visit)).to_be_visible()
    expect(shown.locator(".zoom")).to_have_text("200%")
    shown.get_by_role("button", name="Fit").click()
    handle = shown.get_by_role("slider")
    handle.focus()
    visit.keyboard.press("Home")
    expect(handle).to_have_attribute("aria-valuenow", "0")
    stop_the_job(visit)
    expect(shown.locator(".look")).to_be_attached()


def test_a_first_look_that_did_not_arrive_is_asked_for_again(visit: Page, traffic: Traffic) -> None:
    traffic.allowed_errors.append("look.webp")
    visit.route("**/look.webp", lambda route: route.abort(), times=4)
    large(visit)

    expect(visit.locator(".look")).to_have_js_property("complete", True, timeout=LONG)
    stop_the_job(visit)


def test_a_first_look_stays_while_a_press_is_waited_for(
    asking: str, page: Page, traffic: Traffic
) -> None:
    """It is seen as a whole, and has its name once it is there."""
    traffic.allowed_errors.append("look.webp")
    page.route("**/look.webp", lambda route: route.abort())
    enter(page, asking)
    upload(page, "large.png", noise(1000, 700, seed=79))
    expect(page.locator(".comparison[data-state=making]")).to_be_visible(timeout=LONG)
    look, badge = page.locator(".look"), page.locator(".badge[data-side=after]")
    expect(badge).to_be_hidden()
    expect(page.get_by_role("button", name="Fit")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Zoom in to see the difference")).to_be_hidden()

    page.unroute("**/look.webp")
    for _ in range(2):
        page.reload()
        expect(look).to_have_js_property("complete", True, timeout=LONG)
        expect(badge).to_be_visible()


def test_the_place_in_sight_is_told_to_the_server(visit: Page) -> None:
    large(visit)
    expect(visit.locator(".piece").first).to_be_attached(timeout=LONG)
    visit.locator(".stage").focus()

    with visit.expect_request(re.compile(r"/sight/\d+/\d+/3600/\d+$"), timeout=LONG):
        for _ in range(100):
            visit.keyboard.press("ArrowRight")

    stop_the_job(visit)


def test_the_scale_goes_by_the_size_until_it_is_chosen(visit: Page) -> None:
    expect(scales(visit)).to_have_value("4")
    upload(visit, "medium.png", saved(Image.new("RGB", (1200, 1000), "teal")))
    opened(visit, (2400, 2000))

    choose_scale(visit, 4)

    opened(visit, (4800, 4000))
    expect(visit.locator(".scale option:checked")).to_have_text(
        re.compile(r"^4× · 4800 × 4000 · [\d.]+ MB · about \d+ (s|min)$")
    )


def test_what_a_size_costs_is_told_until_it_is_made(visit: Page) -> None:
    upload(visit, "noise.png", noise(60, 40, seed=77))
    comparison(visit, (240, 160))

    expect(visit.locator(".scale option:checked")).to_have_text("4× · 240 × 160")
    expect(visit.locator(".scale option[value='2']")).to_have_text(
        re.compile(r"^2× · 120 × 80 · [\d.]+ kB · about \d+ s$")
    )


def test_the_picture_as_it_was_is_seen_while_a_button_is_held(visit: Page) -> None:
    hold = visit.locator(".comparison").get_by_role("button", name="Before", exact=True)
    after = visit.locator(".side[data-side=after]")
    hold.hover()

    visit.mouse.down()
    expect(after).to_be_hidden()
    visit.mouse.up()
    expect(after).to_be_visible()

    hold.focus()
    visit.keyboard.down("b")
    expect(after).to_be_hidden()
    visit.keyboard.up("b")
    expect(after).to_be_visible()


def test_to_choose_pictures_stands_out_until_there_are_some(visit: Page) -> None:
    choice = visit.get_by_role("button", name="Choose pictures")
    save = visit.get_by_role("link", name=re.compile("^Save"))
    colour = "each => getComputedStyle(each).backgroundColor"
    filled = save.evaluate(colour)
    expect(choice).to_have_css("background-color", filled)

    upload(visit, "mine.png", noise(60, 40, seed=79))

    comparison(visit, (240, 160))
    expect(choice).not_to_have_css("background-color", filled)


def test_a_picture_is_turned_and_removed(visit: Page) -> None:
    upload(visit, "wide.png", noise(60, 40, seed=72))
    comparison(visit, (240, 160))

    visit.get_by_role("button", name="Turn left").click()
    comparison(visit, (160, 240))

    visit.get_by_role("button", name="Remove", exact=True).click()
    expect(visit.get_by_role("radiogroup", name="Your pictures")).to_have_count(0)
    comparison(visit, (1200, 800))


def test_a_press_on_a_picture_counts_if_a_job_ends_at_the_same_moment(
    address: str, page: Page
) -> None:
    let_jobs_end(page)
    enter(page, address)
    upload(page, "large.png", saved(Image.radial_gradient("L").resize((1200, 900))))
    comparison(page, (2400, 1800))

    press_as_jobs_end(page.get_by_role("button", name="Turn left"))
    comparison(page, (1800, 2400))
    press_as_jobs_end(page.get_by_role("button", name="Crop"))
    press_as_jobs_end(page.get_by_role("button", name="Use this part"))
    comparison(page, (2880, 3840))


def test_a_jpeg_that_is_turned_and_cropped_stays_a_jpeg(visit: Page) -> None:
    link = visit.get_by_role("group", name="Save the result").get_by_role("link")
    upload(visit, "photo.jpg", saved(Image.radial_gradient("L").resize((60, 40)), "JPEG"))
    comparison(visit, (240, 160))

    visit.get_by_role("button", name="Turn left").click()
    comparison(visit, (160, 240))
    expect(link).to_have_attribute("download", "photo_x4.jpg")

    visit.get_by_role("button", name="Crop").click()
    visit.get_by_role("button", name="Use this part").click()
    comparison(visit, (128, 192))
    expect(link).to_have_attribute("download", "photo_x4.jpg")


def test_a_part_of_a_picture_is_gone_on_with(visit: Page) -> None:
    upload(visit, "wide.png", noise(100, 50, seed=75))
    comparison(visit, (400, 200))
    visit.get_by_role("button", name="Crop").click()
    frame = visit.get_by_role("button", name="Part to keep")
    frame.focus()
    visit.keyboard.press("Shift+ArrowLeft")
    visit.keyboard.press("ArrowRight")
    visit.wait_for_timeout(600)

    visit.get_by_role("button", name="Use this part").click()

    comparison(visit, (280, 160))


def test_the_focus_is_seen_and_stays_on_the_page_when_its_place_is_gone(visit: Page) -> None:
    visit.keyboard.press("Tab")
    main = visit.locator("[data-testid=stMain]")
    expect(main).to_be_focused()
    expect(main).to_have_css("outline-style", "solid")
    upload(visit, "wide.png", noise(70, 40, seed=82))
    comparison(visit, (280, 160))
    frame, result = (
        visit.get_by_role("button", name="Part to keep"),
        visit.locator(".st-key-result"),
    )

    visit.get_by_role("button", name="Crop").press("Enter")
    expect(frame).to_be_focused()
    visit.keyboard.press("Escape")
    expect(frame).to_have_count(0)
    expect(result).to_be_focused()
    expect(result).to_have_css("outline-style", "solid")

    visit.get_by_role("button", name="Remove", exact=True).press("Enter")
    comparison(visit, (1200, 800))
    expect(result).to_be_focused()


def test_escape_goes_on_with_the_work_and_leads_back_to_stop(visit: Page) -> None:
    pass_time(visit)
    visit.reload()
    large(visit)
    stop = visit.get_by_role("button", name="Stop", exact=True)
    expect(visit).to_have_title(re.compile("^[0-9]+%"), timeout=LONG)  # it has heard of the job

    stop.press("Enter")
    expect(visit.get_by_role("button", name="Go on")).to_be_focused()
    visit.keyboard.press("Escape")

    expect(stop).to_be_focused()
    stop_the_job(visit)


def test_the_focus_stays_in_the_bar_when_the_work_is_stopped(visit: Page) -> None:
    pass_time(visit)
    visit.reload()
    large(visit)
    expect(visit).to_have_title(re.compile("^[0-9]+%"), timeout=LONG)  # it has heard of the job

    visit.get_by_role("button", name="Stop", exact=True).press("Enter")
    expect(visit.get_by_role("button", name="Go on")).to_be_focused()
    visit.keyboard.press("Shift+Tab")
    visit.keyboard.press("Enter")

    expect(visit.get_by_text("Stopped", exact=True)).to_be_visible(timeout=LONG)
    expect(enhance_button(visit)).to_be_focused()


def test_a_frame_and_its_buttons_are_in_sight_on_a_phone(
    address: str, open_page: Callable[..., Page]
) -> None:
    page = enter(open_page(**SCREENS["phone"]), address)
    upload(page, "wide.png", noise(100, 50, seed=75))
    comparison(page, (400, 200))
    page.locator("[data-testid=stMain]").evaluate("each => each.scrollTo(0, 100_000)")

    page.get_by_role("button", name="Crop").click()

    expect(page.get_by_role("button", name="Use this part")).to_be_in_viewport(ratio=1)
    frame = page.get_by_role("button", name="Part to keep")
    expect(frame).to_be_in_viewport(ratio=1)
    box = frame.bounding_box()
    assert box is not None
    assert box["width"] > 200  # of a picture that is 100 pixels wide


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_nothing_moves_while_a_picture_arrives(
    address: str, open_page: Callable[..., Page], tmp_path: Path, screen: str
) -> None:
    picture = tmp_path / "a picture whose name is longer than its line.png"
    picture.write_bytes(noise(2000, 1500, seed=76))
    page = enter(open_page(**SCREENS[screen], **MOVING), address)
    page.evaluate(
        """() => {
             const top = (name) => document.querySelector(name).getBoundingClientRect().top;
             window.places = new Set();
             const look = () => requestAnimationFrame(() => {
               const place = top("[data-testid=stColumn]") - top(".st-key-picker");
               window.places.add(Math.round(place));
               look();
             });
             look();
           }"""
    )

    upload_by_path(page, picture)

    opened(page, (4000, 3000))
    places = page.evaluate("() => [...window.places]")
    assert max(places) - min(places) <= 1, places


def test_the_save_menu_of_an_older_result_is_gone_when_the_next_one_is_begun(visit: Page) -> None:
    visit.evaluate(
        """() => {
             const height = (name) => document.querySelector(name)?.offsetHeight ?? 0;
             window.menus = new Set();
             const look = () => requestAnimationFrame(() => {
               if (height(".st-key-bar-work")) window.menus.add(height(".st-key-saver"));
               look();
             });
             look();
           }"""
    )
    upload(visit, "noise.png", noise(2000, 1500, seed=78))

    opened(visit, (4000, 3000))
    assert visit.evaluate("() => [...window.menus]") == [0]


def test_a_phone_is_scrolled_to_a_result_that_is_out_of_sight_alone(
    address: str, open_page: Callable[..., Page]
) -> None:
    page = enter(open_page(**SCREENS["phone"], **MOVING), address)
    main = page.locator("[data-testid=stMain]")
    for width, place in ((60, 0), (50, 100_000)):
        main.evaluate("(each, to) => each.scrollTo(0, to)", place)

        upload(page, "noise.png", noise(width, 40, seed=78))

        shown = comparison(page, (4 * width, 160))
        page.wait_for_timeout(1000)  # a smooth movement would have begun
        expect(shown.locator(".stage")).to_be_in_viewport(ratio=1)
        if place == 0:
            assert main.evaluate("each => each.scrollTop") == 0


def test_the_samples_fold_into_one_row_after_an_upload(visit: Page) -> None:
    row = visit.get_by_role("radiogroup", name="Or try one of these")
    before = row.bounding_box()

    upload(visit, "mine.png", noise(60, 40, seed=73))
    comparison(visit, (240, 160))

    after = row.bounding_box()
    assert before is not None
    assert after is not None
    assert after["height"] < 90 < before["height"]


def test_jpeg_stays_jpeg_and_says_what_becomes_of_transparency(visit: Page) -> None:
    upload(visit, "clear.png", saved(Image.new("RGBA", (50, 40), (200, 0, 0, 90))))
    comparison(visit, (200, 160))
    menu = visit.get_by_role("group", name="Save the result")
    expect(menu.get_by_role("combobox", name="Format")).to_have_value("png")

    menu.get_by_role("combobox", name="Format").select_option("jpeg")

    expect(menu.get_by_text("the background becomes white")).to_be_visible()
    upload(visit, "photo.jpg", saved(Image.new("RGB", (52, 40), "teal"), "JPEG"))
    comparison(visit, (208, 160))
    expect(menu.get_by_role("link")).to_have_attribute("download", "photo_x4.jpg")


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_what_jpeg_lacks_is_said_where_it_covers_nothing(
    address: str, open_page: Callable[..., Page], screen: str
) -> None:
    page = enter(open_page(**SCREENS[screen]), address)
    upload(page, "clear.png", saved(Image.new("RGBA", (51, 40), (200, 0, 0, 90))))
    shown = comparison(page, (204, 160))

    page.get_by_role("combobox", name="Format").select_option("jpeg")

    warning = page.get_by_text("the background becomes white")
    expect(warning).to_be_in_viewport(ratio=1)
    for each in shown.locator(".toolbar button").filter(visible=True).all():
        each.click(trial=True)
    page.locator("[data-testid=stMain]").evaluate("each => each.scrollTo(0, 100_000)")
    page.wait_for_timeout(200)
    words, bar, last = (
        place.bounding_box()
        for place in (warning, page.locator(".st-key-bar"), page.locator(".st-key-more"))
    )
    assert words is not None
    assert bar is not None
    assert last is not None
    assert bar["y"] <= words["y"]
    assert words["y"] + words["height"] <= bar["y"] + bar["height"]
    assert screen == "desktop" or last["y"] + last["height"] <= bar["y"]


def test_the_result_is_copied(address: str, open_page: Callable[..., Page]) -> None:
    page = enter(open_page(permissions=["clipboard-read", "clipboard-write"]), address)

    page.get_by_role("button", name="Copy the picture").click()

    expect(page.get_by_text("Copied", exact=True)).to_be_visible(timeout=LONG)


def test_a_link_without_its_beginning_is_tried_and_leaves_the_stage_alone(visit: Page) -> None:
    link = visit.get_by_label("Link to a picture")
    visit.get_by_role("button", name="Open", exact=True).click()
    expect(link).to_be_focused()

    link.fill("127.0.0.1/cat.jpg")
    visit.keyboard.press("Enter")

    expect(visit.get_by_role("alert")).to_contain_text("link", timeout=LONG)
    comparison(visit, (1200, 800))


def test_a_picture_pasted_into_the_link_field_is_taken(visit: Page) -> None:
    field = visit.get_by_label("Link to a picture")
    field.evaluate(
        """(field, bytes) => {
             const data = new DataTransfer();
             data.items.add(new File([new Uint8Array(bytes)], "image.png", {type: "image/png"}));
             const options = {clipboardData: data, bubbles: true, composed: true};
             field.dispatchEvent(new ClipboardEvent("paste", options));
           }""",
        list(noise(46, 30, seed=74)),
    )

    comparison(visit, (184, 120))
