"""The bar when several jobs are under way for one picture."""

from __future__ import annotations

import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from testbed.visitor import (
    LONG,
    choose_scale,
    enter,
    progress,
    room_for_the_size,
    saved,
    stop_the_jobs,
    upload,
)
from tests.browser.conftest import OpenPage


def test_the_time_left_is_not_cut_off_by_another_job_on_a_phone(
    quick_address: str, open_page: OpenPage
) -> None:
    phone = open_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    enter(phone, quick_address)
    upload(phone, "large.png", saved(Image.radial_gradient("L").resize((3000, 2200))))
    expect(progress(phone)).to_be_visible(timeout=LONG)
    choose_scale(phone, 4)

    other = phone.get_by_role("button", name=re.compile("^Stop 1× clean"))
    expect(other).to_be_in_viewport(ratio=1)
    left = phone.locator(".bar .text").filter(has_text="left")
    expect(left).to_be_in_viewport(ratio=1, timeout=LONG)
    assert left.evaluate("text => text.scrollWidth <= text.clientWidth")
    stop_the_jobs(phone, other)


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_size_is_read_in_whole_beside_the_offer_of_a_notification(
    quick_address: str, open_page: OpenPage, language: str
) -> None:
    page = open_page(viewport={"width": 1280, "height": 900}, locale=language)
    enter(page, quick_address)
    upload(page, "large.png", saved(Image.radial_gradient("L").resize((3600, 2700))))
    stop = page.locator(".stop")
    expect(stop).to_be_visible(timeout=LONG)
    page.locator(".notify").evaluate("offer => { offer.hidden = false; }")

    room = room_for_the_size(page)
    stop.click()

    assert room >= 0
