"""The before/after slider in a real browser."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import MOVING, OpenPage, StartServer, Traffic, is_local
from tests.browser.slider_page import pair

SCRIPT = Path("tests/browser/slider_page.py")
PHONE = {
    "viewport": {"width": 360, "height": 740},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}
Open = Callable[..., "Slider"]


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float
    height: float


class Slider:
    """The component on a page, found by role and label as its visitors find it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".comparison")
        self.stage = page.locator(".stage")
        self.handle = page.get_by_role("slider")
        self.zoom = self.root.get_by_label("Zoom", exact=True)

    def button(self, name: str) -> Locator:
        return self.root.get_by_role("button", name=name, exact=True)

    def box(self, locator: Locator | None = None) -> Box:
        bounds = (locator or self.stage).bounding_box()
        assert bounds is not None
        return Box(**bounds)

    @property
    def picture(self) -> Box:
        """Return the box of the magnified picture, cut or not."""
        return self.box(self.page.locator(".side[data-side=after] .picture"))

    @property
    def value(self) -> int:
        return int(self.handle.get_attribute("aria-valuenow") or "-1")

    def grip(self) -> tuple[float, float]:
        box = self.box(self.handle)
        return box.x + box.width / 2, box.y + box.height / 2

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move(*end, steps=5)
        mouse.up()

    def pixels(self) -> NDArray[np.int16]:
        """Return the visible stage, (H, W, 3)."""
        shot = Image.open(io.BytesIO(self.stage.screenshot()))
        return np.asarray(shot.convert("RGB"), np.int16)


@pytest.fixture
def show(streamlit_server: StartServer, moving_page: Page) -> Open:
    """Open the page with a case of pictures and wait until they are drawn."""

    def open_(case: str = "photo", *, on: Page = moving_page, query: str = "") -> Slider:
        on.goto(f"{streamlit_server(SCRIPT)}/?case={case}{query}")
        slider = Slider(on)
        expect(slider.root).to_have_attribute("data-state", "ready")
        slider.stage.scroll_into_view_if_needed()
        return slider

    return open_


def centre(box: Box) -> tuple[float, float]:
    return box.x + box.width / 2, box.y + box.height / 2


def bring_into_view(slider: Slider) -> None:
    """Scroll the stage into the middle, clear of Streamlit's header."""
    slider.stage.evaluate("stage => stage.scrollIntoView({block: 'center'})")


def test_the_divider_starts_in_the_middle_with_both_labels(show: Open) -> None:
    slider = show()

    expect(slider.handle).to_have_attribute("aria-valuenow", "50")
    for text in ("Before · 320×240", "After · 1280×960"):
        expect(slider.root.get_by_text(text)).to_have_css("opacity", "1")


def test_the_mouse_drags_the_divider(show: Open) -> None:
    slider = show()
    bring_into_view(slider)
    x, y = slider.grip()
    picture = slider.picture

    slider.drag((x + 10, y + 5), (x + 10 - picture.width / 4, y + 60))

    expect(slider.handle).to_have_attribute("aria-valuenow", "25")
    assert slider.grip()[0] == pytest.approx(x - picture.width / 4, abs=1)


def test_the_divider_stops_at_the_edge_of_the_picture_and_hides_the_squeezed_label(
    show: Open,
) -> None:
    slider = show("portrait")
    bring_into_view(slider)
    stage, picture = slider.box(), slider.picture
    assert picture.width < stage.width / 2

    slider.drag(slider.grip(), (stage.x + 2, slider.grip()[1]))

    expect(slider.handle).to_have_attribute("aria-valuenow", "0")
    assert slider.grip()[0] == pytest.approx(picture.x, abs=1)
    expect(slider.root.get_by_text("Before · 120×200")).to_have_css("opacity", "0")
    expect(slider.root.get_by_text("After · 480×800")).to_have_css("opacity", "1")


def test_a_click_beside_the_divider_brings_it_there(show: Open) -> None:
    slider = show()
    bring_into_view(slider)
    picture = slider.picture

    slider.page.mouse.click(picture.x + picture.width * 0.8, picture.y + 100)

    expect(slider.handle).to_have_attribute("aria-valuenow", "80")
    slider.page.keyboard.press("ArrowRight")
    expect(slider.handle).to_have_attribute("aria-valuenow", "81")


def test_keys_move_the_divider(show: Open) -> None:
    slider = show("small")

    for keys, value in [
        (["ArrowRight"], 51),
        (["ArrowLeft", "ArrowDown"], 48),
        (["Shift+ArrowRight"], 60),
        (["PageUp"], 60),
        (["PageDown"], 40),
        (["Home"], 0),
        (["Home", "ArrowLeft"], 0),
        (["End"], 100),
        (["End", "PageUp"], 100),
        (["a"], 50),
    ]:
        slider.button("Divider to the middle").click()
        for key in keys:
            slider.handle.press(key)
        expect(slider.handle).to_have_attribute("aria-valuenow", str(value))


def test_a_double_click_and_the_button_bring_the_divider_back(show: Open) -> None:
    slider = show()
    bring_into_view(slider)
    slider.handle.press("Home")
    stage = slider.box()

    slider.page.mouse.dblclick(stage.x + stage.width * 0.3, stage.y + 100)
    expect(slider.handle).to_have_attribute("aria-valuenow", "50")

    slider.handle.press("End")
    slider.button("Divider to the middle").click()
    expect(slider.handle).to_have_attribute("aria-valuenow", "50")


def test_zoom_buttons_show_the_pixels_of_the_result_at_their_size(show: Open) -> None:
    slider = show()
    divider = slider.box(slider.handle).x

    for percent in (100, 200, 400):
        slider.button(f"{percent}%").click()
        expect(slider.zoom).to_have_text(f"{percent}%")
        expect(slider.button(f"{percent}%")).to_have_attribute("aria-pressed", "true")
        assert slider.picture.width == pytest.approx(1280 * percent / 100)
        assert slider.box(slider.handle).x == pytest.approx(divider, abs=0.5)

    slider.button("Fit").click()
    assert slider.picture.height == pytest.approx(slider.box().height, abs=0.5)
    expect(slider.button("400%")).to_have_attribute("aria-pressed", "false")


def test_plus_minus_zero_and_one_zoom_by_key(show: Open) -> None:
    slider = show()

    for key, text in [("1", "100%"), ("+", "200%"), ("+", "400%"), ("+", "800%")]:
        slider.handle.press(key)
        expect(slider.zoom).to_have_text(text)
    expect(slider.button("Zoom in")).to_be_disabled()
    slider.handle.press("-")
    expect(slider.zoom).to_have_text("400%")
    slider.handle.press("0")
    expect(slider.button("Fit")).to_have_attribute("aria-pressed", "true")
    expect(slider.button("Zoom out")).to_be_disabled()


def test_the_picture_as_it_was_is_seen_until_hand_or_key_lets_go(show: Open) -> None:
    slider = show()
    page, hold = slider.page, slider.button("Before")
    after = page.locator(".side[data-side=after]")
    hold.hover()
    neighbour = slider.box(slider.button("Pixels"))
    page.mouse.down()
    page.mouse.move(*centre(slider.box()))
    expect(hold).to_have_attribute("aria-pressed", "true")
    assert slider.box(slider.button("Pixels")) == neighbour
    expect(after).to_be_hidden()
    page.mouse.up()
    expect(after).to_be_visible()

    slider.handle.focus()
    page.keyboard.down("B")  # as Caps Lock writes it
    expect(after).to_be_hidden()
    page.get_by_role("button", name="Run again").focus()
    page.keyboard.up("B")
    expect(after).to_be_visible()

    slider.handle.focus()
    page.keyboard.down("b")
    expect(after).to_be_hidden()
    page.evaluate("window.dispatchEvent(new Event('blur'))")  # as another program does
    expect(after).to_be_visible()


def test_the_button_for_one_side_alone_is_named_after_it(show: Open) -> None:
    slider = show(query="&name=Photo")

    hint = "Hold to see “Photo” alone (B)"
    expect(slider.button("Photo")).to_have_attribute("title", hint)
    expect(slider.button("Before")).to_have_count(0)


def test_ctrl_and_wheel_zoom_around_the_cursor(show: Open) -> None:
    slider = show()
    slider.button("100%").click()
    bring_into_view(slider)
    stage = slider.box()
    x, y = stage.x + stage.width * 0.3, stage.y + stage.height * 0.6
    old = slider.picture
    slider.page.mouse.move(x, y)

    slider.page.keyboard.down("Control")
    for _ in range(3):
        slider.page.mouse.wheel(0, -100)
    slider.page.keyboard.up("Control")

    expect(slider.zoom).to_have_text("212%")
    new = slider.picture
    assert (x - new.x) / new.width == pytest.approx((x - old.x) / old.width, abs=0.001)
    assert (y - new.y) / new.height == pytest.approx((y - old.y) / old.height, abs=0.001)


def test_the_wheel_alone_scrolls_the_page(show: Open) -> None:
    slider = show()
    bring_into_view(slider)
    stage = slider.box()
    slider.page.mouse.move(stage.x + 200, stage.y + 200)

    slider.page.mouse.wheel(0, 120)

    slider.page.wait_for_function(
        "y => document.querySelector('.stBidiComponent').getBoundingClientRect().y < y - 50",
        arg=stage.y,
    )
    expect(slider.button("Fit")).to_have_attribute("aria-pressed", "true")


def test_dragging_an_enlarged_picture_pans_it_and_leaves_the_divider(show: Open) -> None:
    slider = show()
    slider.button("400%").click()
    bring_into_view(slider)
    stage, old = slider.box(), slider.picture
    start = (stage.x + 150, stage.y + 150)

    slider.drag(start, (start[0] + 90, start[1] - 60))

    new = slider.picture
    assert (new.x - old.x, new.y - old.y) == pytest.approx((90, -60), abs=1)
    expect(slider.handle).to_have_attribute("aria-valuenow", "50")


def test_panning_ends_at_the_edges_of_the_picture(show: Open) -> None:
    slider = show()
    slider.button("100%").click()
    bring_into_view(slider)
    stage = slider.box()

    slider.drag((stage.x + 50, stage.y + 50), (stage.x + 900, stage.y + 600))

    picture = slider.picture
    assert (picture.x, picture.y) == pytest.approx((stage.x, stage.y), abs=1)


def test_the_handle_still_moves_the_divider_of_an_enlarged_picture(show: Open) -> None:
    slider = show()
    slider.button("200%").click()
    bring_into_view(slider)
    old, stage, (x, y) = slider.picture, slider.box(), slider.grip()

    slider.drag((x, y), (x + stage.width / 4, y))

    expect(slider.handle).to_have_attribute("aria-valuenow", "75")
    assert slider.picture == old


def test_arrow_keys_pan_the_focused_picture(show: Open) -> None:
    slider = show()
    slider.button("200%").click()
    old, stage = slider.picture, slider.box()

    slider.stage.press("ArrowRight")

    assert slider.picture.x - old.x == pytest.approx(-stage.width / 10, abs=1)
    expect(slider.handle).to_have_attribute("aria-valuenow", "50")


def test_a_rerun_keeps_divider_zoom_place_and_the_decoded_pictures(show: Open) -> None:
    slider = show()
    slider.button("200%").click()
    slider.stage.press("ArrowRight")
    slider.handle.press("PageUp")
    source = slider.root.locator("img").first.get_attribute("src")
    picture = slider.box(), slider.picture

    slider.page.get_by_role("button", name="Run again").click()
    expect(slider.page.get_by_text("Run 2")).to_be_visible()

    expect(slider.handle).to_have_attribute("aria-valuenow", "60")
    expect(slider.zoom).to_have_text("200%")
    assert slider.root.locator("img").first.get_attribute("src") == source
    stage, moved = slider.box(), slider.picture
    assert moved.x - stage.x == pytest.approx(picture[1].x - picture[0].x, abs=1)


def test_other_pictures_start_afresh_and_their_predecessors_are_released(
    show: Open, traffic: Traffic
) -> None:
    traffic.allowed_errors.append("ERR_FILE_NOT_FOUND")  # what a released address answers
    slider = show()
    slider.handle.press("Home")
    old = slider.root.locator("img").first.get_attribute("src")

    slider.page.get_by_role("combobox").click()
    slider.page.get_by_role("option", name="portrait").click()

    expect(slider.root.get_by_text("After · 480×800")).to_be_visible()
    expect(slider.root).to_have_count(1)
    expect(slider.root).to_have_attribute("data-state", "ready")
    expect(slider.handle).to_have_attribute("aria-valuenow", "50")
    answer = slider.page.evaluate(
        """url => new Promise(done => {
            const image = new Image();
            image.onload = () => done("alive");
            image.onerror = () => done("released");
            image.src = url;
        })""",
        old,
    )
    assert answer == "released"


def test_pictures_that_come_back_find_their_divider_again(show: Open) -> None:
    slider = show()
    slider.handle.press("Home")

    for case, label in [("portrait", "After · 480×800"), ("photo", "After · 1280×960")]:
        slider.page.get_by_role("combobox").click()
        slider.page.get_by_role("option", name=case).click()
        expect(slider.root.get_by_text(label)).to_be_visible()
        expect(slider.root).to_have_count(1)

    expect(slider.handle).to_have_attribute("aria-valuenow", "0")


def differences(slider: Slider, expected: Image.Image) -> float:
    """Return the mean difference in grey levels between the stage at 100 % and its part of
    `expected`.

    The stage may lie at a fraction of a pixel: the best of three rows counts, so a blur of half a
    pixel would still show.
    """
    shown = slider.pixels()
    stage, picture = slider.box(), slider.picture
    left, top = round(stage.x - picture.x), round(stage.y - picture.y)
    height, width = shown.shape[:2]
    # The edges carry labels, rounded corners and half the handle.
    inner = shown[60 : height - 20, 60 : width - 60]
    whole = np.asarray(expected.convert("RGB"), np.int16)
    rows = [top + 60 + shift for shift in (-1, 0, 1)]
    return min(
        float(np.abs(inner - whole[row : row + height - 80, left + 60 : left + width - 60]).mean())
        for row in rows
    )


def test_each_end_of_the_slider_shows_its_own_picture_pixel_by_pixel(show: Open) -> None:
    slider = show()
    before, after = pair("photo")
    magnified = before.resize(after.size, Image.Resampling.BILINEAR)
    slider.button("100%").click()
    bring_into_view(slider)

    slider.handle.press("Home")
    assert differences(slider, after) < 0.1
    assert differences(slider, magnified) > 0.5

    slider.handle.press("End")
    assert differences(slider, magnified) < 0.5
    assert differences(slider, after) > 0.5


def test_hard_pixels_show_each_pixel_of_the_input_as_a_square(show: Open) -> None:
    slider = show()
    before, after = pair("photo")
    slider.button("100%").click()
    slider.button("Pixels").click()
    bring_into_view(slider)

    slider.handle.press("End")

    assert differences(slider, before.resize(after.size, Image.Resampling.NEAREST)) < 0.1


def test_a_large_result_shows_every_pixel_in_its_middle_and_says_so(show: Open) -> None:
    slider = show("large")
    expect(slider.root.get_by_text("The saved file has every pixel (6400 × 4800)")).to_be_visible()
    bring_into_view(slider)

    slider.button("Zoom in to see the difference").click()
    expect(slider.zoom).to_have_text("100%")
    expect(slider.button("Zoom in to see the difference")).to_be_hidden()
    bring_into_view(slider)
    slider.handle.press("Home")

    assert differences(slider, pair("large")[1]) < 2


def test_transparent_pixels_show_a_checkerboard_on_both_sides(show: Open) -> None:
    slider = show("transparent")
    bring_into_view(slider)
    stage, picture = slider.box(), slider.picture
    left = round(picture.x - stage.x)
    bottom = round(stage.height) - 30
    pixels = slider.pixels()[bottom : bottom + 25]

    for corner in (pixels[:, left + 2 : left + 27], pixels[:, -left - 27 : -left - 2]):
        greys = {tuple(pixel) for pixel in corner.reshape(-1, 3).tolist()}
        assert {(213, 213, 213), (255, 255, 255)} <= greys


def test_labels_are_text_even_when_they_look_like_markup(show: Open) -> None:
    name = "<img src=x onerror=alert(1)>"

    slider = show(query=f"&name={quote(name)}")

    expect(slider.root.get_by_text(f"{name} · 320×240")).to_be_visible()
    expect(slider.stage.locator("img")).to_have_count(2)


def test_the_whole_stage_can_fill_the_screen(show: Open) -> None:
    slider = show()

    slider.button("Full screen").click()
    slider.page.wait_for_function("document.fullscreenElement !== null")
    assert slider.box().height > 0.85 * 900

    slider.button("Full screen").click()
    slider.page.wait_for_function("document.fullscreenElement === null")
    expect(slider.button("Fit")).to_have_attribute("aria-pressed", "true")


def test_a_fitted_picture_stays_within_the_width_and_most_of_the_height(show: Open) -> None:
    slider = show("portrait")

    assert slider.box().height <= 0.7 * 900 + 1
    slider.page.set_viewport_size({"width": 700, "height": 900})
    expect(slider.button("Fit")).to_have_attribute("aria-pressed", "true")
    slider.page.wait_for_function(
        "() => document.querySelector('.stBidiComponent').clientWidth < 700"
    )
    assert slider.picture.height == pytest.approx(slider.box().height, abs=1)


def test_with_reduced_motion_nothing_glides(show: Open, open_page: OpenPage) -> None:
    calm = open_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")

    slider = show(on=calm)
    slider.button("Divider to the middle").click()

    expect(slider.page.locator(".divider")).to_have_css("transition-property", "none")


def test_the_component_asks_for_nothing_beyond_its_own_pictures(
    show: Open, traffic: Traffic
) -> None:
    show()

    assert len([url for url in traffic.requests if url.startswith("blob:")]) >= 2
    assert traffic.strangers == []


@pytest.mark.parametrize("url", ["https://cdn.example.org/a.js", "http://192.168.0.1/", "ftp://x/"])
def test_the_watch_on_addresses_notices_strangers(url: str) -> None:
    assert not is_local(url)


# --- a phone


class Fingers:
    """Send real touches through the browser's own input pipeline."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)

    def move(self, *paths: tuple[tuple[float, float], tuple[float, float]], steps: int = 8) -> None:
        """Move each finger from the first to the second point of its path."""
        self._send("touchStart", [start for start, _ in paths])
        for step in range(1, steps + 1):
            part = step / steps
            self._send(
                "touchMove",
                [(x + (to_x - x) * part, y + (to_y - y) * part) for (x, y), (to_x, to_y) in paths],
            )
        self._send("touchEnd", [])

    def hold(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Put a finger down and let it slip, without lifting it."""
        for kind, point in (("touchStart", start), ("touchMove", end)):
            self._send(kind, [point])

    def _send(self, kind: str, points: list[tuple[float, float]]) -> None:
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


@pytest.fixture
def phone(show: Open, open_page: OpenPage) -> Slider:
    slider = show(on=open_page(**PHONE, **MOVING))
    bring_into_view(slider)
    return slider


def test_a_finger_drags_the_divider_sideways(phone: Slider) -> None:
    stage = phone.box()
    y = stage.y + 40

    Fingers(phone.page).move(((stage.x + 100, y), (stage.x + stage.width * 0.75, y + 4)))

    expect(phone.handle).to_have_attribute("aria-valuenow", "75")


def test_a_finger_moving_up_scrolls_the_page_and_not_the_divider(phone: Slider) -> None:
    stage = phone.box()
    x = stage.x + 60

    Fingers(phone.page).move(((x, stage.y + 200), (x + 3, stage.y + 40)))

    phone.page.wait_for_function(
        "y => document.querySelector('.stBidiComponent').getBoundingClientRect().y < y - 60",
        arg=stage.y,
    )
    expect(phone.handle).to_have_attribute("aria-valuenow", "50")


def test_a_tap_brings_the_divider_there(phone: Slider) -> None:
    stage = phone.box()

    phone.page.touchscreen.tap(stage.x + stage.width * 0.3, stage.y + 60)

    expect(phone.handle).to_have_attribute("aria-valuenow", "30")


def test_two_fingers_zoom_and_one_pans_then(phone: Slider) -> None:
    stage, fit = phone.box(), phone.picture
    x, y = centre(stage)
    fingers = Fingers(phone.page)

    fingers.move(((x - 30, y - 60), (x - 90, y - 60)), ((x + 30, y - 60), (x + 90, y - 60)))
    large = phone.picture
    assert large.width == pytest.approx(3 * fit.width, rel=0.02)

    fingers.move(((x + 60, y - 80), (x + 20, y - 50)))
    moved = phone.picture
    assert (moved.x - large.x, moved.y - large.y) == pytest.approx((-40, 30), abs=1.5)
    expect(phone.handle).to_have_attribute("aria-valuenow", "50")


def test_a_finger_that_slips_off_the_button_still_holds_the_picture_as_it_was(
    phone: Slider,
) -> None:
    hold = phone.button("Before")
    x, y = centre(phone.box(hold))

    Fingers(phone.page).hold((x, y), (x + 90, y - 60))

    phone.page.wait_for_timeout(300)  # a scroll would have begun by now
    expect(hold).to_have_attribute("aria-pressed", "true")


def test_a_phone_shows_everything_without_scrolling_sideways(phone: Slider) -> None:
    overflow = phone.page.evaluate(
        "() => document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0
    for locator in [phone.stage, *phone.root.get_by_role("button").all()]:
        box = phone.box(locator)
        assert box.x >= 0
        assert box.x + box.width <= 360
    for text in ("Before · 320×240", "After · 1280×960"):
        expect(phone.root.get_by_text(text)).to_have_css("opacity", "1")


# --- the package


def test_juxtapose_asks_its_cdn_for_the_script(
    show: Open, streamlit_server: StartServer, page: Page, traffic: Traffic
) -> None:
    page.route("https://cdn.knightlab.com/**", lambda route: route.abort())
    traffic.allowed_errors += ["ERR_FAILED", "juxtapose is not defined"]

    with page.expect_request("https://cdn.knightlab.com/**/juxtapose.min.js"):
        page.goto(f"{streamlit_server(SCRIPT)}/?case=photo&slider=juxtapose")

    expect(page.locator("iframe")).to_be_visible()
    assert {urlsplit(url).hostname for url in traffic.strangers} == {"cdn.knightlab.com"}
    traffic.requests.clear()
