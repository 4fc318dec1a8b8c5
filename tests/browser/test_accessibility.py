"""Accessibility of the page: axe-core, the keyboard, forced colours, small and enlarged screens."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import axe_playwright_python
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from testbed.visitor import (
    LONG,
    choose,
    choose_drawing,
    choose_scale,
    comparison,
    enter,
    noise,
    overflow,
    pass_time,
    progress,
    saved,
    upload,
    upload_all,
)
from webapp.base.texts import LANGUAGES, texts

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
TARGETS = """() => {
  const found = [];
  const targets = "button, a[href], input, [role=slider], [role=radio], [role=combobox], summary";
  const walk = (root) => {
    for (const each of root.querySelectorAll("*")) {
      if (each.shadowRoot) walk(each.shadowRoot);
      if (!each.matches(targets)) continue;
      const { width, height } = each.getBoundingClientRect();
      if (width && height && (width < 44 || height < 44)) found.push(each.outerHTML.slice(0, 120));
    }
  };
  walk(document);
  return found;
}"""


@pytest.fixture
def address(quick_address: str) -> str:
    return quick_address


FADED = """
Promise.race([
  Promise.allSettled(document.getAnimations().map((each) => each.finished)),
  new Promise((resolve) => setTimeout(resolve, 1000)),
])
"""
"""A script that waits for animations, some of which never end."""


def violations(page: Page) -> list[str]:
    """Return the violations once no transition draws in paler colours."""
    page.wait_for_function("() => !document.querySelector('[data-stale=true]')")
    page.evaluate(FADED)
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document)")["violations"]
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_state_of_the_page(
    address: str, open_page: Callable[..., Page], scheme: str
) -> None:
    page = open_page(color_scheme=scheme)
    pass_time(page)
    enter(page, address)
    page.get_by_text("More options").click()
    choose(page, "Adjust")
    assert violations(page) == [], "with a result"

    upload(page, "notes.jpg", b"Dear diary")
    expect(page.get_by_role("alert")).to_be_visible(timeout=LONG)
    assert violations(page) == [], "with an error"

    choose_drawing(page)
    upload(page, "large.png", saved(Image.new("RGB", (4300, 2100), "teal")))  # long work
    expect(page.get_by_text("Shrunk from 4300 × 2100")).to_be_visible(timeout=LONG)  # it is shown
    expect(progress(page)).to_be_visible(timeout=LONG)
    assert violations(page) == [], "at work, with a picture that was too large"
    expect(page).to_have_title(re.compile("^[0-9]+%"), timeout=LONG)  # it has heard of the job
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("will be lost")).to_be_visible(timeout=LONG)
    assert violations(page) == [], "with a question"
    page.get_by_role("button", name="Stop it").click()
    expect(page.get_by_text("Stopped", exact=True)).to_be_visible(timeout=LONG)
    assert violations(page) == [], "when it was stopped"


def kinds_stand_in_one_row(page: Page, language: str) -> None:
    """Check it on desktops, a tablet and a phone."""
    row = page.get_by_role("radiogroup", name=texts(language)("option.model"), exact=True)
    for width in (1280, 1100, 820, 390):
        page.set_viewport_size({"width": width, "height": 900})
        boxes = [each.bounding_box() for each in row.get_by_role("radio").all()]
        places = [each for each in boxes if each is not None]
        assert len(places) == 5
        assert len({round(each["y"]) for each in places}) == 1, width
        assert all(each["x"] >= 0 and each["x"] + each["width"] <= width for each in places)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_speaks_the_browsers_language_and_no_other(
    address: str, open_page: Callable[..., Page], language: str
) -> None:
    page = enter(open_page(locale={"zh-Hans": "zh-CN"}.get(language, language)), address)
    t = texts(language)

    expect(page.get_by_role("heading", level=1)).to_have_text(t("page.name"))
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.get_by_text(t("picker.promise"))).to_be_visible()
    expect(page.get_by_text(t("privacy.local"))).to_have_count(0)  # which says the same
    if language != "en":
        seen = page.inner_text("body")
        for text in ("Enhance", "Size", "Choose", "Before", "Save"):
            assert not re.search(rf"\b{text}\b", seen), text
    assert overflow(page) == 0
    kinds_stand_in_one_row(page, language)


def test_another_language_can_be_chosen_and_stands_in_the_address(
    address: str, open_page: Callable[..., Page]
) -> None:
    page = enter(open_page(), address)
    choose_scale(page, 2)
    comparison(page, (600, 400))

    german = page.get_by_role("option", name="Deutsch")
    for _ in range(10):  # the list closes when the page is drawn again meanwhile
        page.get_by_role("combobox", name="Language").click()
        page.wait_for_timeout(500)
        if german.is_visible():
            break
    german.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Bilder scharf machen")
    expect(page.locator(".badge[data-side=after]")).to_have_text("Nachher · 600 × 400")
    expect(page).to_have_url(re.compile(r"lang=de.*scale=2"))


def test_a_shared_address_brings_its_choices(address: str, page: Page) -> None:
    enter(page, f"{address}/?lang=fr&sample=comic.png&scale=2&model=fast")

    expect(page.get_by_role("heading", level=1)).to_have_text("Rendez vos images nettes")
    badge = page.locator(".st-key-result .badge[data-side=after]")
    expect(badge).to_have_text("Après · 800 × 600", timeout=LONG)
    tiers = page.get_by_role("radiogroup", name="Type d'image", exact=True)
    expect(tiers.get_by_role("radio", name="Rapide", exact=True)).to_be_checked()


@pytest.mark.parametrize("query", ["?lang=xx&scale=3&model=none&sample=../x&strength=999", "?a=b"])
def test_a_wrong_address_is_an_ordinary_first_view(address: str, page: Page, query: str) -> None:
    enter(page, f"{address}/{query}")

    comparison(page, (1200, 800))


def test_back_and_reload_keep_picture_choices_and_result(address: str, page: Page) -> None:
    enter(page, address)
    upload(page, "mine.png", noise(70, 50, seed=20))
    comparison(page, (280, 200))
    choose_scale(page, 2)
    comparison(page, (140, 100))

    page.reload()
    comparison(page, (140, 100))
    expect(page.get_by_role("radio", name="mine.png: done")).to_be_checked()

    page.goto("about:blank")
    page.go_back()
    comparison(page, (140, 100))


def test_the_focus_goes_to_a_new_result_and_its_state_is_announced(
    address: str, page: Page
) -> None:
    enter(page, f"{address}/?model=quality")
    upload(page, "large.png", saved(Image.new("RGB", (600, 500), "teal")))
    expect(progress(page)).to_be_visible(timeout=LONG)

    comparison(page, (2400, 2000))
    result = page.locator(".st-key-result")
    expect(result).to_be_focused()
    expect(result).to_have_css("outline-style", "none")  # no key was pressed
    expect(page.get_by_role("status").filter(has_text="Done")).to_have_count(1)
    expect(page).to_have_title("✓ Done · Make pictures sharp")


def test_choices_are_visible_in_forced_colours(
    address: str, open_page: Callable[..., Page]
) -> None:
    page = enter(open_page(forced_colors="active"), f"{address}/?model=photo")

    chosen = page.get_by_role("radio", name=texts("en")("sample.cat.title"))
    other = page.get_by_role("radio", name=texts("en")("sample.comic.title"))
    expect(chosen).to_have_css("outline-width", "4px")
    expect(other).to_have_css("outline-width", "1px")
    page.get_by_role("combobox", name="Language").click()
    expect(page.get_by_role("option", name="English")).to_have_css("outline-style", "solid")
    expect(page.get_by_role("option", name="Deutsch")).to_have_css("outline-style", "none")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Fit").click()
    expect(page.get_by_role("button", name="Fit")).to_have_css("outline-style", "solid")
    page.get_by_text("More options").click()
    slider = page.get_by_test_id("stSlider")
    expect(slider.locator("div:has(> div > input)")).to_have_css("outline-style", "solid")
    text = slider.evaluate("() => getComputedStyle(document.body).color")
    expect(slider.locator("div:has(+ div > div > input)")).to_have_css("background-color", text)


def test_a_transparent_picture_and_a_refusal_stand_out_in_forced_colours(
    address: str, open_page: Callable[..., Page]
) -> None:
    page = enter(open_page(forced_colors="active"), address)
    clear = saved(Image.new("RGBA", (40, 30), (0, 0, 0, 0)))
    upload_all(page, ("clear.png", clear), ("notes.txt", b"no picture"))
    comparison(page, (160, 120))

    own = page.get_by_role("radio", name="clear.png")
    for behind in (own.locator("img"), page.locator(".st-key-result .picture").first):
        expect(behind).to_have_css("background-image", re.compile("conic-gradient"))
    alert = page.get_by_role("alert").filter(has_text="not a picture")
    expect(alert).to_have_css("border-top-style", "solid")


def test_every_target_is_as_large_as_a_finger_on_a_phone(
    address: str, open_page: Callable[..., Page]
) -> None:
    phone = open_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    enter(phone, address)

    assert phone.evaluate(TARGETS) == []


@pytest.mark.parametrize(
    "screen",
    [
        {"viewport": {"width": 320, "height": 640}},
        {"viewport": {"width": 820, "height": 1180}},
        # 200 % zoom of a window of 1280 x 900.
        {"viewport": {"width": 640, "height": 450}, "device_scale_factor": 2},
    ],
    ids=["320 px", "820 px", "200%"],
)
def test_nothing_is_cut_off(
    address: str, open_page: Callable[..., Page], screen: dict[str, object]
) -> None:
    page = enter(open_page(**screen), address)

    assert overflow(page) == 0
    cut = page.evaluate(
        """() => [...document.querySelectorAll("[data-testid=stMain] p, h1, label")]
             .filter((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 1)
             .filter((each) => getComputedStyle(each).display !== "inline")
             .map((each) => each.textContent)"""
    )
    assert cut == []
