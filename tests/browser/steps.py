"""What a visitor does on every test's page."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


def enter(page: Page, address: str) -> Page:
    """Open the page and wait until it shows a picture that can be enhanced."""
    page.goto(address)
    expect(enhance_button(page)).to_be_enabled()
    expect(page.locator(".st-key-stage img")).to_be_visible()
    return page


def enhance_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Enhance", exact=True)


def choose(page: Page, label: str) -> None:
    """One of several: a sample, a scale, a place."""
    page.get_by_role("radio", name=label, exact=True).click()
