"""A visitor of the page in a browser: actions, and the places of their results."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, expect

KIND = "Kind of picture"
LONG = 300_000
"""Milliseconds for computed results; the machine may be busy with other things."""


def enter(page: Page, address: str) -> Page:
    """Open the page and wait for its first finished comparison."""
    page.goto(address)
    # `expect` would describe the whole page at each failed try.
    page.locator(".comparison[data-state=ready]").wait_for(timeout=LONG)
    return page


def enhance_button(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("^Enhance( · about|$)"))


def choose(page: Page, label: str, *, group: str | None = None) -> None:
    """Choose an option: a sample, a tier, a place; `group` if the label is ambiguous."""
    where = page if group is None else page.get_by_role("radiogroup", name=group, exact=True)
    where.get_by_role("radio", name=label, exact=True).click()


def choose_drawing(page: Page) -> None:
    """Choose the tier for text and drawings, not the one in the list of comparisons."""
    choose(page, "Text and drawing", group=KIND)


def scales(page: Page, label: str = "Size") -> Locator:
    """Return the list of sizes."""
    return page.get_by_role("combobox", name=label, exact=True)


def room_for_the_size(page: Page) -> float:
    """Return the pixels beside the chosen size in its list; less than zero if it is cut."""
    room = page.locator("select.scale").evaluate(
        """(list) => {
             const style = getComputedStyle(list);
             const pen = document.createElement("canvas").getContext("2d");
             pen.font = style.font;
             const sides = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
             const arrow = parseFloat(style.fontSize);
             const words = pen.measureText(list.selectedOptions[0].text).width;
             return list.clientWidth - sides - arrow - words;
           }"""
    )
    return float(room)


def choose_scale(page: Page, scale: int) -> None:
    scales(page).select_option(str(scale))


def opened(page: Page, size: tuple[int, int]) -> None:
    """Wait until the chosen scale promises a result of this size."""
    chosen = page.locator(".scale option:checked")
    expect(chosen).to_have_text(re.compile(rf"· {size[0]} × {size[1]}( ·|$)"), timeout=LONG)


def progress(page: Page) -> Locator:
    """Return the progress bar of the picture, not that of an upload."""
    return page.get_by_role("progressbar", name="Enhancing …", exact=True)


def pass_time(page: Page) -> None:
    """Let the page believe, from its next load, that each job began a while ago.

    The page asks no question about work of ten seconds.
    """
    page.add_init_script(
        """window.EventSource = class extends EventSource {
             set onmessage(listener) {
               super.onmessage = ({ data }) =>
                 listener({ data: data.replace(/"elapsed": [0-9]+/, '"elapsed": 60') });
             }
           };"""
    )


def let_jobs_end(page: Page) -> None:
    """Keep the page's stream of events, from its next load, for `press_as_jobs_end`."""
    page.add_init_script(
        """const Source = window.EventSource;
           window.EventSource = class extends Source {
             constructor(address) { super(address); window.source = this; }
           };"""
    )


def press_as_jobs_end(button: Locator) -> None:
    """Press a button, and let jobs end at the same moment and some moments later."""
    button.evaluate(
        """(button) => {
             button.click();
             for (let wait = 5; wait < 1000; wait *= 2) {
               const ended = [`a job that ends after ${wait} ms`];
               const data = JSON.stringify({ now: null, marks: {}, ended });
               setTimeout(() => window.source.onmessage({ data }), wait);
             }
           }"""
    )


def stop_the_job(page: Page) -> None:
    """Press Stop, and answer its question, if any."""
    page.get_by_role("button", name="Stop", exact=True).click()
    sure = page.get_by_role("button", name="Stop it")
    stopped = page.get_by_text("Stopped", exact=True)
    expect(sure.or_(stopped)).to_be_visible(timeout=LONG)
    if sure.is_visible():
        sure.click()
    expect(stopped).to_be_visible(timeout=LONG)


def stop_the_jobs(page: Page, other: Locator) -> None:
    """Press the button that stops the job of other choices, and stop that of the present ones.

    The work of a closed tab goes on for a while, beside that of the next test.
    """
    other.click()
    expect(other).to_have_count(0)
    stop_the_job(page)


def comparison(page: Page, size: tuple[int, int]) -> Locator:
    """Wait for the slider with a result of this size, and return it."""
    shown = page.locator(".st-key-result .comparison[data-state=ready]")
    badge = shown.locator(".badge[data-side=after]")
    expect(badge).to_have_text(f"After · {size[0]} × {size[1]}", timeout=LONG)
    return shown


def upload(page: Page, name: str, content: bytes) -> None:
    upload_all(page, (name, content))


def upload_all(page: Page, *files: tuple[str, bytes]) -> None:
    chosen: list[FilePayload] = [
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        for name, content in files
    ]
    page.locator("input[type=file]").set_input_files(chosen)


def upload_by_path(page: Page, path: Path) -> None:
    """Upload a large file without sending its bytes through the browser's driver."""
    page.locator("input[type=file]").set_input_files(path)


def follow_link(page: Page, url: str) -> None:
    page.get_by_label("Link to a picture").fill(url)
    page.keyboard.press("Enter")


def saved(image: Image.Image, format: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, format)
    return file.getvalue()


def noise(width: int, height: int, *, seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return saved(Image.fromarray(pixels))


def overflow(page: Page) -> int:
    """Return the pixels by which the page can be scrolled sideways."""
    return int(
        page.evaluate(
            """() => Math.max(...["html", "[data-testid=stMain]"].map((each) => {
                 const element = document.querySelector(each);
                 return element.scrollWidth - element.clientWidth;
               }))"""
        )
    )
