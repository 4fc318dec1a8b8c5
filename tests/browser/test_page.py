"""The page as a visitor uses it: real Streamlit, real networks, real Chromium."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.steps import choose, enhance_button, enter
from webapp.samples import FOLDER, samples

LONG = 120_000
"""Milliseconds for what computes; the machine may be busy with other things."""


@pytest.fixture
def address(streamlit_server: Callable[..., str]) -> str:
    """One server for all tests of this file; links may lead to loopback."""
    return streamlit_server("webapp/app.py", env={"SR_ALLOW_PRIVATE_SOURCES": "1"})


@pytest.fixture
def visit(address: str, page: Page) -> Page:
    """A desktop visitor on the first view."""
    return enter(page, address)


@pytest.fixture
def finished_jobs(address: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], int]:
    """Counts the server's log lines of jobs that ended in a phase."""
    port = urlsplit(address).port
    log = next(tmp_path_factory.getbasetemp().glob(f"streamlit*/app-{port}.log"))
    return lambda phase: log.read_text(errors="replace").count(f'{{"job": "{phase}"')


@pytest.fixture
def loopback() -> Iterator[str]:
    """A web server with the sample pictures."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(FOLDER))  # type: ignore[arg-type]

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def comparison(page: Page, size: tuple[int, int]) -> Locator:
    """The slider once it shows a result of this size."""
    shown = page.locator(".comparison[data-state=ready]")
    badge = shown.locator(".badge[data-side=after]")
    expect(badge).to_have_text(f"After · {size[0]} × {size[1]}", timeout=LONG)
    return shown


def upload(page: Page, name: str, content: bytes) -> None:
    choose(page, "Upload")
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )


def follow_link(page: Page, url: str) -> None:
    choose(page, "Paste a link")
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
    """Pixels by which the page can be scrolled sideways."""
    return int(
        page.evaluate(
            """() => Math.max(...["html", "[data-testid=stMain]"].map((each) => {
                 const element = document.querySelector(each);
                 return element.scrollWidth - element.clientWidth;
               }))"""
        )
    )


def test_every_sample_becomes_a_comparison(visit: Page) -> None:
    for sample in samples().values():
        with Image.open(FOLDER / sample.file) as image:
            width, height = image.size
        choose(visit, sample.title)
        sizes = f"{width} × {height} → {2 * width} × {2 * height} pixels"
        expect(visit.get_by_text(sizes, exact=True)).to_be_visible()
        enhance_button(visit).click()
        comparison(visit, (2 * width, 2 * height))


def test_a_result_is_there_at_once_when_the_visitor_returns_to_it(visit: Page) -> None:
    enhance_button(visit).click()
    comparison(visit, (544, 544))
    choose(visit, "Cat close up")
    expect(enhance_button(visit)).to_be_enabled()
    expect(visit.locator(".comparison")).to_have_count(0)

    choose(visit, "Astronaut portrait")

    comparison(visit, (544, 544))
    expect(visit.get_by_role("button", name="Enhanced")).to_be_disabled()


def test_an_upload_is_enlarged_four_times_and_compared(visit: Page) -> None:
    picture = Image.open(FOLDER / "cat.jpg").crop((0, 0, 120, 90))
    upload(visit, "kitten.jpg", saved(picture, "JPEG"))
    choose(visit, "4 ×")
    expect(visit.get_by_text("120 × 90 → 480 × 360 pixels")).to_be_visible()

    enhance_button(visit).click()

    shown = comparison(visit, (480, 360))
    handle = shown.get_by_role("slider")
    expect(handle).to_have_attribute("aria-valuenow", "50")
    box = handle.bounding_box()
    assert box is not None
    visit.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    visit.mouse.down()
    visit.mouse.move(box["x"] + box["width"] / 2 + 150, box["y"] + box["height"] / 2, steps=5)
    visit.mouse.up()
    expect(handle).to_have_attribute("aria-valuenow", re.compile(r"^[67]\d$"))


def test_downloads_open_and_have_the_right_size(visit: Page) -> None:
    enhance_button(visit).click()
    comparison(visit, (544, 544))

    for label, kind, extension in [
        ("PNG", "PNG", "png"),
        ("JPEG", "JPEG", "jpg"),
        ("WebP", "WEBP", "webp"),
    ]:
        with visit.expect_download() as download:
            visit.get_by_role("button", name=f"Download {label}").click()
        assert download.value.suggested_filename == f"astronaut-portrait-x2.{extension}"
        with Image.open(download.value.path()) as image:
            image.load()
            assert (image.format, image.size) == (kind, (544, 544))


def test_a_picture_behind_a_link_is_fetched_and_enhanced(visit: Page, loopback: str) -> None:
    follow_link(visit, f"{loopback}/brick-wall.jpg")
    expect(visit.get_by_text("320 × 240 → 640 × 480 pixels")).to_be_visible()

    enhance_button(visit).click()

    comparison(visit, (640, 480))


def test_a_link_that_leads_nowhere_is_explained(visit: Page, loopback: str) -> None:
    follow_link(visit, f"{loopback}/missing.jpg")

    expect(visit.get_by_text("There is no picture at this link")).to_be_visible()
    expect(enhance_button(visit)).to_be_disabled()


def test_a_link_to_something_else_is_explained(visit: Page, loopback: str) -> None:
    follow_link(visit, f"{loopback}/samples.json")

    expect(visit.get_by_role("alert")).to_contain_text("not a picture")
    expect(enhance_button(visit)).to_be_disabled()


def test_a_private_address_is_refused_by_default(
    streamlit_server: Callable[..., str], page: Page, loopback: str
) -> None:
    enter(page, streamlit_server("webapp/app.py", env={"SR_TILE_SIZE": "256"}))

    follow_link(page, f"{loopback}/cat.jpg")

    expect(page.get_by_text("This link cannot be used")).to_be_visible()


def test_a_file_that_is_no_picture_is_explained(visit: Page) -> None:
    upload(visit, "notes.jpg", b"Dear diary")

    expect(visit.get_by_role("alert")).to_contain_text("not a picture we can read")
    expect(visit.get_by_text("Traceback")).to_have_count(0)
    expect(enhance_button(visit)).to_be_disabled()


def test_a_damaged_picture_is_explained_and_another_one_still_works(visit: Page) -> None:
    upload(visit, "half.png", noise(80, 60, seed=1)[:3000])
    expect(visit.get_by_role("alert")).to_contain_text("damaged")

    choose(visit, "Try a sample")

    expect(visit.get_by_role("alert")).to_have_count(0)
    expect(enhance_button(visit)).to_be_enabled()


def test_a_too_large_picture_is_explained_with_its_size(visit: Page) -> None:
    upload(visit, "wide.png", saved(Image.new("RGB", (4097, 10))))

    expect(visit.get_by_role("alert")).to_contain_text("already very large")
    expect(visit.get_by_role("alert")).to_contain_text("4097 x 10")


def test_a_long_job_shows_progress_and_can_be_cancelled(
    visit: Page, finished_jobs: Callable[[str], int]
) -> None:
    before = finished_jobs("cancelled")
    upload(visit, "large.png", saved(Image.new("RGB", (4000, 3000), "teal")))
    choose(visit, "4 ×")
    expect(visit.get_by_text("4000 × 3000 → 16000 × 12000 pixels")).to_be_visible(timeout=LONG)

    enhance_button(visit).click()
    bar = visit.get_by_role("progressbar")
    expect(bar).to_be_visible(timeout=LONG)
    expect(bar).not_to_have_attribute("aria-valuenow", "0", timeout=LONG)
    expect(visit.get_by_text(re.compile(r"Enhancing … .* left"))).to_be_visible(timeout=LONG)
    visit.get_by_role("button", name="Cancel").click()

    expect(visit.get_by_text("Press Enhance to start again.")).to_be_visible(timeout=LONG)
    expect(bar).to_have_count(0)
    choose(visit, "2 ×")
    choose(visit, "Try a sample")
    choose(visit, "Distant galaxies")
    choose(visit, "4 ×")
    expect(visit.get_by_text("320 × 240 → 1280 × 960 pixels")).to_be_visible(timeout=LONG)
    enhance_button(visit).click()
    comparison(visit, (1280, 960))
    assert finished_jobs("cancelled") == before + 1


def test_six_impatient_clicks_are_one_job(visit: Page, finished_jobs: Callable[[str], int]) -> None:
    before = finished_jobs("done")
    upload(visit, "noise.png", noise(400, 300, seed=2))
    expect(visit.get_by_text("400 × 300 → 800 × 600 pixels")).to_be_visible()

    enhance_button(visit).evaluate("button => { for (let i = 0; i < 6; i++) button.click(); }")

    comparison(visit, (800, 600))
    assert finished_jobs("done") == before + 1


def test_a_closed_tab_makes_room_for_the_next_visitor(
    address: str, open_page: Callable[..., Page], finished_jobs: Callable[[str], int]
) -> None:
    before = finished_jobs("cancelled")
    leaver, next_one = open_page(), open_page()
    enter(leaver, address)
    enter(next_one, address)
    upload(leaver, "huge.png", saved(Image.new("RGB", (4096, 4096), "navy")))
    choose(leaver, "4 ×")
    expect(leaver.get_by_text("4096 × 4096 → 16384 × 16384 pixels")).to_be_visible(timeout=LONG)
    enhance_button(leaver).click()
    expect(leaver.get_by_role("progressbar")).to_be_visible(timeout=LONG)
    upload(next_one, "small.png", noise(60, 40, seed=3))
    expect(next_one.get_by_text("60 × 40 → 120 × 80 pixels")).to_be_visible(timeout=LONG)
    enhance_button(next_one).click()
    expect(next_one.get_by_text("one picture is before yours")).to_be_visible()

    leaver.close()

    comparison(next_one, (120, 80))
    assert finished_jobs("cancelled") == before + 1


def test_the_cleanup_can_be_chosen(visit: Page) -> None:
    choose(visit, "Rocket, poor JPEG")
    visit.get_by_text("More options").click()
    choose(visit, "Adjust")
    expect(visit.get_by_role("slider", name="Strength")).to_be_visible()
    choose(visit, "Off")
    expect(visit.get_by_role("slider", name="Strength")).to_have_count(0)

    enhance_button(visit).click()

    comparison(visit, (800, 542))
    expect(visit.get_by_text("JPEG clean-up", exact=False)).to_have_count(0)


def test_the_gallery_is_used_with_the_keyboard(visit: Page) -> None:
    visit.get_by_role("radio", name="Astronaut portrait").focus()

    visit.keyboard.press("ArrowRight")

    cat = visit.get_by_role("radio", name="Cat close up")
    expect(cat).to_be_focused()
    expect(cat).to_be_checked()
    expect(visit.get_by_text("300 × 200 → 600 × 400 pixels")).to_be_visible()


def test_a_phone_shows_everything_without_scrolling_sideways(
    address: str, open_page: Callable[..., Page]
) -> None:
    phone = open_page(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    enter(phone, address)
    assert overflow(phone) == 0

    enhance_button(phone).tap()

    comparison(phone, (544, 544))
    expect(phone.locator(".comparison .stage")).to_be_in_viewport(ratio=0.9)
    expect(phone.get_by_role("button", name="Download PNG")).to_be_visible()
    assert overflow(phone) == 0


@pytest.mark.parametrize(
    ("scheme", "background"), [("dark", "rgb(18, 20, 28)"), ("light", "rgb(255, 255, 255)")]
)
def test_the_page_follows_the_visitors_theme(
    address: str, open_page: Callable[..., Page], scheme: str, background: str
) -> None:
    page = enter(open_page(color_scheme=scheme), address)

    expect(page.locator(".stApp")).to_have_css("background-color", background)


def test_pressing_right_after_a_change_takes_the_change(visit: Page) -> None:
    choose(visit, "Comic panel")
    choose(visit, "4 ×")
    enhance_button(visit).click()

    comparison(visit, (1600, 1200))
