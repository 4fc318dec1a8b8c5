"""Sizes of a visitor's own are exact, and impossible ones are refused with a message."""

from __future__ import annotations

import re

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from testbed.visitor import LONG, choose, comparison, enter, noise, scales, upload
from tests.browser.test_accessibility import violations


@pytest.fixture
def address(quick_address: str) -> str:
    return quick_address


def ask(page: Page, kind: str, *values: str) -> Locator:
    """Fill the fields behind the list's last entry, and return their container."""
    dialog = page.get_by_role("dialog", name="Other size")
    if not dialog.is_visible():
        scales(page).focus()
        scales(page).select_option(label="Other size …")
    dialog.get_by_role("combobox").select_option(label=kind)
    for field, value in zip(dialog.get_by_role("textbox").all(), values, strict=True):
        field.fill(value)
    return dialog


def test_a_width_a_height_a_frame_and_a_print_are_right_to_the_pixel(
    address: str, page: Page
) -> None:
    enter(page, address)
    upload(page, "noise.png", noise(60, 40, seed=91))
    comparison(page, (240, 160))
    for kind, values, size, in_address in [
        ("Width in pixels", ["333"], (333, 222), "width=333"),
        ("Height in pixels", ["77"], (116, 77), "height=77"),
        ("Fit into a frame, in pixels", ["200", "90"], (135, 90), "fit=200x90"),
        ("Print at 300 dpi, in cm", ["2,5", "1.5"], (266, 177), "print=2.5x1.5"),
    ]:
        dialog = ask(page, kind, *values)
        says = rf"Result: {size[0]} × {size[1]} pixels \(0\.\d+ megapixels\), \d+ kB, about \d+ s"
        expect(dialog.get_by_role("status")).to_have_text(re.compile(says), timeout=LONG)

        dialog.get_by_role("button", name="Use this size").click()

        comparison(page, size)
        expect(page).to_have_url(re.compile(re.escape(in_address)))
        with page.expect_download() as download:
            page.get_by_role("group", name="Save the result").get_by_role("link").click()
        with Image.open(download.value.path()) as image:
            assert image.size == size
            dpi = image.info.get("dpi")
            if kind.startswith("Print"):
                assert dpi is not None
                assert [round(each) for each in dpi] == [300, 300]
            else:
                assert dpi is None


def test_a_shared_size_and_the_way_back(address: str, page: Page) -> None:
    enter(page, f"{address}/?width=777")
    comparison(page, (777, 518))
    expect(scales(page).locator("option:checked")).to_have_text(re.compile("^777 px wide · 777 × "))

    scales(page).select_option("2")
    comparison(page, (600, 400))
    expect(page).not_to_have_url(re.compile("width="))
    page.go_back()

    comparison(page, (777, 518))


def test_impossible_sizes_are_refused_in_the_fields(address: str, page: Page) -> None:
    enter(page, address)
    for kind, values, sentence in [
        ("Width in pixels", ["65501"], "Please enter a whole number from 1 to 65500."),
        ("Width in pixels", ["wide"], "Please enter a whole number from 1 to 65500."),
        ("Print at 300 dpi, in cm", ["15", ""], "Please enter a number of centimetres up to 550."),
        ("Width in pixels", ["60000"], "At most 16 times the width and height"),
    ]:
        dialog = ask(page, kind, *values)
        expect(dialog.get_by_role("status")).to_contain_text(sentence, timeout=LONG)
        expect(dialog.get_by_role("button", name="Use this size")).to_be_disabled()
    assert violations(page) == [], "with a refusal"

    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    comparison(page, (1200, 800))
    expect(scales(page)).to_be_focused()


def test_a_size_that_the_next_picture_cannot_have_is_explained(address: str, page: Page) -> None:
    enter(page, f"{address}/?width=4000")
    comparison(page, (4000, 2667))

    upload(page, "tiny.png", noise(20, 10, seed=92))

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("cannot be made that large", timeout=LONG)
    expect(page.get_by_role("button", name="Enhance")).to_have_count(0)
    choose(page, "Cat close-up")
    comparison(page, (4000, 2667))
