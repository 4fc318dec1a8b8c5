"""The page as a visitor uses it: real Streamlit, real networks, real Chromium."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from testbed.visitor import (
    KIND,
    LONG,
    choose,
    choose_drawing,
    choose_scale,
    comparison,
    enhance_button,
    enter,
    follow_link,
    noise,
    opened,
    overflow,
    pass_time,
    progress,
    saved,
    scales,
    stop_the_job,
    stop_the_jobs,
    upload,
    upload_all,
    upload_by_path,
)
from tests.browser.conftest import SAMPLES_ON_DEMAND, Traffic
from webapp.base.texts import texts
from webapp.intake.samples import FOLDER, samples

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}


@pytest.fixture
def address(streamlit_server: Callable[..., str]) -> str:
    """One server for all tests of this file; links may lead to loopback."""
    return streamlit_server(
        "webapp/app.py", env={"SR_ALLOW_PRIVATE_SOURCES": "1", "SR_ASK_SECONDS": "86400"}
    )


@pytest.fixture
def visit(address: str, moving_page: Page) -> Page:
    """A desktop visitor on the first view."""
    return enter(moving_page, address)


@pytest.fixture
def forgetful(streamlit_server: Callable[..., str]) -> str:
    """A server that forgets closed tabs soon."""
    return streamlit_server(
        "webapp/app.py",
        env={"SR_KEEP_SECONDS": "1", "SR_ASK_SECONDS": "86400", "SR_MODEL": "fast"},
        program=SAMPLES_ON_DEMAND,
    )


@pytest.fixture
def counted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], int]:
    """Count the log lines of a server's jobs that ended in a phase."""

    def count(address: str, phase: str) -> int:
        port = urlsplit(address).port
        log = next(tmp_path_factory.getbasetemp().glob(f"streamlit*/app-{port}.log"))
        return log.read_text(errors="replace").count(f'{{"job": "{phase}"')

    return count


@pytest.fixture
def finished_jobs(address: str, counted: Callable[[str, str], int]) -> Callable[[str], int]:
    """Count the jobs that ended in a phase, once the samples are made."""
    until(lambda: counted(address, "done") >= len(samples()))
    return partial(counted, address)


def until(is_so: Callable[[], bool]) -> None:
    """Wait for the server: a job that is told to stop ends after its present tile."""
    end = time.monotonic() + LONG / 1000
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)


def large(page: Page, name: str = "large.png", size: tuple[int, int] = (3000, 2200)) -> None:
    """Upload a picture that takes long, and wait until it is worked on."""
    choose_drawing(page)
    upload(page, name, saved(Image.new("RGB", size, "teal")))
    chosen = page.locator(".scale option:checked")
    expect(chosen).to_have_text(
        re.compile(rf"{size[0]}|{2 * size[0]} ×|{4 * size[0]} ×"), timeout=LONG
    )
    expect(progress(page)).to_be_visible(timeout=LONG)


def scaled(sample: str, scale: int) -> tuple[int, int]:
    with Image.open(FOLDER / sample) as image:
        return image.width * scale, image.height * scale


def title(sample: str) -> str:
    return texts("en")(f"sample.{sample}.title")


# Done on arrival.


def test_the_page_opens_on_a_finished_comparison(visit: Page) -> None:
    comparison(visit, (1200, 800))
    expect(visit.get_by_role("link", name=re.compile("^Save"))).to_be_visible()


def test_the_divider_sweeps_once_on_arrival_and_then_rests(address: str, moving_page: Page) -> None:
    moving_page.add_init_script(
        """const seen = window.seen = [];
           setInterval(() => {
             const inside = (e) => e.shadowRoot?.querySelector(".handle");
             const handle = [...document.querySelectorAll("*")].map(inside).find(Boolean);
             if (handle) seen.push(Number(handle.getAttribute("aria-valuenow")));
           }, 30);"""
    )
    enter(moving_page, address)

    moving_page.wait_for_function(
        "() => Math.max(...window.seen) > 80 && Math.min(...window.seen) < 20"
    )
    expect(moving_page.locator(".comparison").get_by_role("slider")).to_have_attribute(
        "aria-valuenow", "50"
    )


def test_the_divider_rests_where_motion_is_unwanted(
    address: str, open_page: Callable[..., Page]
) -> None:
    page = enter(open_page(reduced_motion="reduce"), address)

    expect(page.locator(".comparison").get_by_role("slider")).to_have_attribute(
        "aria-valuenow", "50"
    )
    page.wait_for_timeout(800)
    expect(page.locator(".comparison").get_by_role("slider")).to_have_attribute(
        "aria-valuenow", "50"
    )


def test_a_click_on_any_sample_shows_its_result_without_a_job(
    visit: Page, finished_jobs: Callable[[str], int]
) -> None:
    for sample in samples().values():
        choose(visit, title(sample.name))
        comparison(visit, scaled(sample.file, 4))
    after = finished_jobs("done")

    for sample in reversed(samples().values()):
        choose(visit, title(sample.name))
        comparison(visit, scaled(sample.file, 4))

    assert finished_jobs("done") == after


def test_the_product_has_one_name(visit: Page) -> None:
    expect(visit.get_by_role("heading", level=1)).to_have_text("Make pictures sharp")
    expect(visit).to_have_title("Make pictures sharp")


# No second click, nothing thrown away.


def test_a_small_upload_runs_by_itself_and_is_compared(visit: Page) -> None:
    picture = Image.open(FOLDER / "cat.jpg").crop((0, 0, 120, 90))

    upload(visit, "kitten.jpg", saved(picture, "JPEG"))

    shown = comparison(visit, (480, 360))
    handle = shown.get_by_role("slider")
    handle.focus()
    visit.keyboard.press("Home")
    expect(handle).to_have_attribute("aria-valuenow", "0")
    visit.keyboard.press("PageUp")
    expect(handle).to_have_attribute("aria-valuenow", "10")


def test_a_change_of_scale_keeps_the_old_result_until_the_new_one_is_there(visit: Page) -> None:
    upload(visit, "noise.png", noise(200, 150, seed=2))
    comparison(visit, (800, 600))
    visit.evaluate(
        """() => {
             window.gaps = 0;
             setInterval(() => {
               if (!document.querySelector(".st-key-result")) window.gaps += 1;
             }, 10);
           }"""
    )

    choose_scale(visit, 2)

    comparison(visit, (400, 300))
    assert visit.evaluate("window.gaps") == 0


def test_a_result_is_there_at_once_when_the_visitor_returns_to_it(
    visit: Page, finished_jobs: Callable[[str], int]
) -> None:
    upload(visit, "noise.png", noise(90, 60, seed=3))
    comparison(visit, (360, 240))
    before = finished_jobs("done")
    choose(visit, title("cat"))
    comparison(visit, (1200, 800))

    visit.get_by_role("radio", name="noise.png: done").click()

    comparison(visit, (360, 240))
    assert finished_jobs("done") == before


def test_very_long_work_waits_for_a_press_and_says_how_long(asking: str, page: Page) -> None:
    enter(page, asking)
    upload(page, "noise.png", noise(90, 60, seed=31))
    opened(page, (360, 240))
    expect(enhance_button(page)).to_have_text(re.compile(r"Enhance · about \d+ (s|min)"))
    expect(progress(page)).to_be_hidden()

    enhance_button(page).click()

    comparison(page, (360, 240))


def test_a_long_job_begins_by_itself_and_ends_only_after_a_question(
    address: str, page: Page, finished_jobs: Callable[[str], int]
) -> None:
    pass_time(page)
    visit = enter(page, address)
    before = finished_jobs("cancelled")
    choose_scale(visit, 4)
    large(visit)
    bar = progress(visit)
    expect(bar).not_to_have_attribute("aria-valuenow", "0", timeout=LONG)
    expect(visit.get_by_text(re.compile(r"Enhancing … .* left"))).to_be_visible(timeout=LONG)
    expect(visit).to_have_title(re.compile(r"^\d+% · Make pictures sharp"))
    visit.get_by_role("button", name="Stop", exact=True).click()
    expect(visit.get_by_text("will be lost")).to_be_visible()
    visit.get_by_role("button", name="Go on").click()
    expect(visit.get_by_text("will be lost")).to_be_hidden()
    assert finished_jobs("cancelled") == before

    stop_the_job(visit)
    expect(bar).to_be_hidden()
    choose(visit, title("galaxies"))
    choose(visit, "Quick", group=KIND)
    comparison(visit, (1280, 960))
    until(lambda: finished_jobs("cancelled") == before + 1)


def test_a_running_job_goes_on_while_the_visitor_looks_at_a_sample(visit: Page) -> None:
    choose_scale(visit, 2)
    large(visit, size=(800, 600))
    expect(progress(visit)).to_be_visible(timeout=LONG)

    choose(visit, title("cat"))
    expect(visit.locator(".st-key-result")).to_be_visible(timeout=LONG)

    expect(visit.get_by_role("radio", name="large.png: done")).to_be_visible(timeout=LONG)


def test_a_running_job_with_other_choices_stays_in_the_bar_and_can_be_stopped(
    visit: Page, finished_jobs: Callable[[str], int]
) -> None:
    choose_scale(visit, 4)
    large(visit)
    before = finished_jobs("cancelled")

    choose_scale(visit, 2)

    other = visit.get_by_role("button", name="Stop 4× · Text and drawing")
    expect(other).to_be_visible(timeout=LONG)
    expect(progress(visit)).to_be_visible(timeout=LONG)
    stop_the_jobs(visit, other)
    until(lambda: finished_jobs("cancelled") == before + 2)


def test_six_impatient_clicks_are_one_job(visit: Page, finished_jobs: Callable[[str], int]) -> None:
    before, stopped = finished_jobs("done"), finished_jobs("cancelled")
    upload(visit, "large.png", saved(Image.new("RGB", (3000, 2300), "teal")))
    expect(progress(visit)).to_be_visible(timeout=LONG)
    stop_the_job(visit)
    until(lambda: finished_jobs("cancelled") == stopped + 1)

    enhance_button(visit).evaluate("button => { for (let i = 0; i < 6; i++) button.click(); }")
    expect(progress(visit)).to_be_visible(timeout=LONG)
    stop_the_job(visit)

    until(lambda: finished_jobs("cancelled") == stopped + 2)
    visit.wait_for_timeout(1000)
    assert finished_jobs("cancelled") == stopped + 2
    assert finished_jobs("done") == before


def test_two_tiers_are_compared_with_each_other(visit: Page) -> None:
    choose(visit, "Quick", group=KIND)
    upload(visit, "noise.png", noise(120, 90, seed=4))
    comparison(visit, (480, 360))

    visit.locator(".st-key-left").get_by_role("radio", name="Text and drawing").click()

    slider = visit.locator(".st-key-result .comparison[data-state=ready]")
    expect(slider.locator(".badge[data-side=before]")).to_have_text(
        "Text and drawing", timeout=LONG
    )
    expect(slider.locator(".badge[data-side=after]")).to_have_text("Quick")


def test_back_takes_a_choice_back(visit: Page) -> None:
    expect(scales(visit)).to_have_value("4")
    choose_scale(visit, 2)
    expect(visit).to_have_url(re.compile("scale=2"))

    visit.go_back()

    expect(scales(visit)).to_have_value("4")


def test_every_pixel_can_be_looked_at_anywhere_in_a_large_result(
    visit: Page, tmp_path: Path
) -> None:
    choose(visit, "Quick", group=KIND)
    choose_scale(visit, 2)
    large_noise = tmp_path / "noise.png"
    large_noise.write_bytes(noise(1500, 700, seed=5))
    upload_by_path(visit, large_noise)
    shown = comparison(visit, (3000, 1400))

    shown.get_by_role("button", name="100%").click()

    for side, width in (("before", 1024), ("after", 1024)):
        tile = shown.locator(f".side[data-side={side}] .tile").first
        expect(tile).to_have_js_property("complete", True)
        expect(tile).to_have_js_property("naturalWidth", width)
    expect(shown.locator(".outline")).to_have_count(0)
    expect(shown.get_by_text("zoom in anywhere to see every pixel")).to_be_visible()


def test_natural_and_vivid_are_offered_for_photographs_only(visit: Page) -> None:
    visit.get_by_text("More options").click()
    detail = visit.get_by_role("slider", name="Natural ↔ Vivid")
    expect(detail).to_have_value("80")

    detail.focus()
    visit.keyboard.press("Home")

    expect(visit).to_have_url(re.compile("detail=0"))
    expect(visit.get_by_text("detail 0%")).to_be_visible(timeout=LONG)
    choose(visit, title("comic"))
    expect(visit.get_by_text("“Text and drawing” chosen automatically")).to_be_visible(timeout=LONG)
    expect(detail).to_have_count(0)


# Drop, paste or choose, anywhere.


def drop(page: Page, name: str, content: bytes) -> None:
    """Drop a file on the heading, far from the drop area, as a browser does."""
    page.evaluate(
        """([name, bytes]) => {
             const transfer = new DataTransfer();
             transfer.items.add(new File([new Uint8Array(bytes)], name));
             const target = document.querySelector("h1");
             const options = {
               dataTransfer: transfer, bubbles: true, composed: true, cancelable: true,
             };
             const send = (type) => target.dispatchEvent(new DragEvent(type, options));
             send("dragenter");
             send("dragover");
             window.drop = () => send("drop");
           }""",
        [name, list(content)],
    )
    expect(page.get_by_text("Drop your pictures to enlarge them")).to_be_visible()
    page.evaluate("window.drop()")


def paste(page: Page, *, text: str = "", file: tuple[str, bytes] | None = None) -> None:
    page.evaluate(
        """([text, name, bytes]) => {
             const data = new DataTransfer();
             if (name) data.items.add(new File([new Uint8Array(bytes)], name, {type: "image/png"}));
             else data.setData("text/plain", text);
             const options = {clipboardData: data, bubbles: true, cancelable: true};
             document.body.dispatchEvent(new ClipboardEvent("paste", options));
           }""",
        [text, file[0] if file else "", list(file[1]) if file else []],
    )


def test_a_picture_dropped_anywhere_is_enhanced(visit: Page) -> None:
    drop(visit, "dropped.png", noise(50, 40, seed=5))

    comparison(visit, (200, 160))
    expect(visit.get_by_text("Drop your pictures to enlarge them")).to_be_hidden()


def test_a_dropped_folder_gives_its_pictures_and_no_results_of_earlier_runs(
    visit: Page, tmp_path: Path
) -> None:
    below = tmp_path / "holiday" / "below"
    below.mkdir(parents=True)
    for name in ("a.png", "a_x2.png", "._a.png", "notes.txt", "below/b.png"):
        (tmp_path / "holiday" / name).write_bytes(noise(50, 40, seed=len(name)))
    dragged = {"items": [], "files": [str(tmp_path / "holiday")], "dragOperationsMask": 1}
    mouse = visit.context.new_cdp_session(visit)
    for kind in ("dragEnter", "dragOver", "drop"):
        event = {"type": kind, "x": 200, "y": 200, "data": dragged}
        mouse.send("Input.dispatchDragEvent", event)

    for name in ("a", "b"):
        expect(visit.get_by_role("radio", name=re.compile(rf"^{name}\.png: "))).to_be_visible()
    expect(visit.get_by_role("radio", name=re.compile(r"\.(png|txt): "))).to_have_count(2)


def test_a_picture_in_the_clipboard_is_pasted(visit: Page) -> None:
    paste(visit, file=("image.png", noise(44, 30, seed=6)))

    comparison(visit, (176, 120))


def test_a_link_in_the_clipboard_is_followed(visit: Page, loopback: str) -> None:
    paste(visit, text=f"{loopback}/small.png")

    comparison(visit, (256, 160))


def test_text_pasted_into_the_link_field_stays_there(visit: Page) -> None:
    field = visit.get_by_label("Link to a picture")
    field.focus()

    field.evaluate(
        """field => {
             const data = new DataTransfer();
             data.setData("text/plain", "https://example.com/a.png");
             const options = {clipboardData: data, bubbles: true, composed: true};
             field.dispatchEvent(new ClipboardEvent("paste", options));
           }"""
    )

    visit.wait_for_timeout(500)
    expect(visit.get_by_role("alert")).to_have_count(0)


def test_a_picture_behind_a_link_is_fetched_and_enhanced(visit: Page, loopback: str) -> None:
    follow_link(visit, f"{loopback}/small.png")

    comparison(visit, (256, 160))


def test_a_link_that_takes_a_while_joins_the_list_and_what_is_chosen_meanwhile_stays(
    visit: Page, loopback: str
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visit.route("**/link", hold)
    with visit.expect_request("**/link"):
        follow_link(visit, f"{loopback}/small.png")
    sample = visit.get_by_role("radio", name=title("comic"))
    sample.click()
    comparison(visit, (1600, 1200))
    expect(visit.get_by_text("Getting the picture")).to_be_visible()

    held[0].continue_()

    late = visit.get_by_role("radio", name="small.png")
    expect(late).to_be_visible(timeout=LONG)
    comparison(visit, (1600, 1200))
    expect(sample).to_be_checked()

    late.click()
    comparison(visit, (256, 160))


def test_a_file_that_takes_a_while_joins_the_list_and_what_is_chosen_meanwhile_stays(
    visit: Page,
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visit.route("**/upload", hold)
    with visit.expect_request("**/upload"):
        upload(visit, "mine.png", noise(60, 44, seed=7))
    sample = visit.get_by_role("radio", name=title("comic"))
    sample.click()
    comparison(visit, (1600, 1200))

    held[0].continue_()

    expect(visit.get_by_role("radio", name="mine.png")).to_be_visible(timeout=LONG)
    comparison(visit, (1600, 1200))
    expect(sample).to_be_checked()

    visit.unroute("**/upload")
    upload(visit, "mine.png", noise(60, 44, seed=7))
    comparison(visit, (240, 176))


def test_the_upload_survives_a_look_at_the_samples(visit: Page) -> None:
    upload(visit, "mine.png", noise(60, 44, seed=7))
    comparison(visit, (240, 176))

    choose(visit, title("comic"))
    comparison(visit, (1600, 1200))

    visit.get_by_role("radio", name="mine.png: done").click()
    comparison(visit, (240, 176))


# What cannot be used is explained, and leaves what was there before.


def explained(page: Page, words: str) -> Locator:
    """Return the refusal, which stands between the drop area and the unchanged picture."""
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(words, timeout=LONG)
    shown = page.locator(".comparison")
    expect(shown).to_have_count(1)
    boxes = [each.bounding_box() for each in (page.locator(".picker"), alert, shown)]
    places = [each["y"] for each in boxes if each is not None]
    assert places == sorted(places)
    assert len(places) == 3
    return alert


def test_a_link_that_leads_nowhere_is_explained(visit: Page, loopback: str) -> None:
    follow_link(visit, f"{loopback}/missing.jpg")

    explained(visit, "There is no picture at this link")


def test_a_link_to_something_else_is_explained(visit: Page, loopback: str) -> None:
    follow_link(visit, f"{loopback}/notes.json")

    explained(visit, "This link does not lead to a picture")


def test_an_empty_file_behind_a_link_is_named_so(visit: Page, loopback: str) -> None:
    follow_link(visit, f"{loopback}/empty.png")

    explained(visit, "This file is empty")


def test_a_private_address_is_refused_by_default(asking: str, page: Page, loopback: str) -> None:
    enter(page, asking)

    follow_link(page, f"{loopback}/small.png")

    explained(page, "This link cannot be used")


def test_a_file_that_is_no_picture_is_explained(visit: Page) -> None:
    upload(visit, "notes.jpg", b"Dear diary")

    explained(visit, "not a picture that can be read")
    comparison(visit, (1200, 800))
    expect(visit.get_by_text("Traceback")).to_have_count(0)


def test_a_name_without_a_known_ending_is_no_reason_to_refuse(visit: Page) -> None:
    upload(visit, "picture.dat", noise(40, 30, seed=8))

    comparison(visit, (160, 120))


def test_an_empty_file_is_explained(visit: Page, traffic: Traffic) -> None:
    traffic.allowed_errors.append("/upload")
    upload(visit, "empty.png", b"")

    explained(visit, "This file is empty")


def test_a_file_over_the_limit_is_explained_in_our_words(
    visit: Page, traffic: Traffic, tmp_path: Path
) -> None:
    traffic.allowed_errors.append("/upload")
    huge = tmp_path / "huge.png"
    with huge.open("wb") as file:
        file.truncate(33 * 2**20)
    upload_by_path(visit, huge)

    alert = explained(visit, "This file is too big")
    expect(alert).to_contain_text("32 MB")


def test_a_damaged_picture_is_explained_and_another_one_still_works(visit: Page) -> None:
    upload(visit, "half.png", noise(80, 60, seed=1)[:3000])
    explained(visit, "half.png: It could not be read completely")
    expect(visit.get_by_role("radiogroup", name="Your pictures")).to_have_count(0)

    choose(visit, title("cat"))

    expect(visit.get_by_role("alert")).to_have_count(0)
    comparison(visit, (1200, 800))


def test_the_markup_in_a_name_is_text(visit: Page) -> None:
    name = "<img src=x onerror=alert(1)> **b** $x$ :red[c].png"
    upload_all(visit, (name, b"not a picture"), (name.replace("c]", "d]"), noise(20, 20, seed=9)))

    comparison(visit, (80, 80))
    expect(visit.get_by_role("radio", name=re.compile("onerror"))).to_have_count(2)
    assert visit.locator("img[src=x]").count() == 0


# Larger than the engine takes.


def test_a_picture_that_is_too_large_is_shrunk_by_itself_and_the_page_says_so(visit: Page) -> None:
    upload(visit, "wide.png", saved(Image.new("RGB", (4600, 30), "navy")))

    expect(visit.get_by_text("Shrunk from 4600 × 30")).to_be_visible(timeout=LONG)
    comparison(visit, (16384, 108))


def test_a_part_of_a_picture_that_was_shrunk_has_every_pixel(visit: Page) -> None:
    picture = Image.new("RGB", (4300, 40), "red")
    picture.paste("blue", (4200, 0, 4300, 40))
    upload(visit, "wide.png", saved(picture))
    comparison(visit, (16384, 152))
    visit.get_by_role("button", name="Crop").click()
    handle = visit.get_by_role("button", name="Part to use")
    handle.focus()
    visit.keyboard.press("ArrowRight")
    visit.wait_for_timeout(600)

    visit.get_by_role("button", name="Use this part").click()

    opened(visit, (16384, 160))
    expect(visit.get_by_text("Shrunk from")).to_have_count(0)


# Saving.


def test_results_are_saved_in_every_format_with_their_size_shown(visit: Page) -> None:
    upload(visit, "my photo.png", noise(60, 40, seed=10))
    comparison(visit, (240, 160))
    menu = visit.get_by_role("group", name="Save the result")

    for label, kind, extension in [
        ("PNG", "PNG", "png"),
        ("JPEG", "JPEG", "jpg"),
        ("WebP", "WEBP", "webp"),
    ]:
        menu.get_by_role("combobox", name="Format").select_option(label=label)
        link = menu.get_by_role("link")
        expect(link).to_have_text(re.compile(r"Save · \d+ kB"))
        with visit.expect_download() as download:
            link.click()
        assert download.value.suggested_filename == f"my photo_x4.{extension}"
        with Image.open(download.value.path()) as image:
            image.load()
            assert (image.format, image.size) == (kind, (240, 160))


def test_a_lower_quality_makes_a_smaller_file(visit: Page) -> None:
    upload(visit, "a.png", noise(60, 40, seed=11))
    comparison(visit, (240, 160))
    menu = visit.get_by_role("group", name="Save the result")
    menu.get_by_role("combobox", name="Format").select_option("jpeg")
    link = menu.get_by_role("link")
    expect(link).to_have_text(re.compile(r"\d+ kB"))
    before = link.inner_text()

    menu.get_by_role("button", name="Quality and details").click()
    menu.get_by_role("slider", name="Quality").fill("60")

    expect(link).not_to_have_text(before)
    expect(link).to_have_text(re.compile(r"\d+ kB"))


def test_a_format_without_any_choice_has_no_menu(visit: Page) -> None:
    upload(visit, "mine.png", noise(60, 40, seed=12))
    comparison(visit, (240, 160))
    menu = visit.get_by_role("group", name="Save the result")
    more = menu.get_by_role("button", name="Quality and details")
    expect(menu.get_by_role("combobox", name="Format")).to_have_value("png")
    expect(more).to_be_hidden()

    menu.get_by_role("combobox", name="Format").select_option("jpeg")
    expect(more).to_be_visible()


def test_the_save_menu_closes_with_escape_and_a_press_beside_it(visit: Page) -> None:
    menu = visit.get_by_role("group", name="Save the result")
    more, quality = (
        menu.get_by_role("button", name="Quality and details"),
        menu.get_by_role("slider"),
    )
    more.click()
    quality.focus()
    visit.keyboard.press("Escape")
    expect(quality).to_be_hidden()
    expect(more).to_be_focused()

    more.click()
    expect(quality).to_be_visible()
    visit.get_by_role("heading", level=1).click()
    expect(quality).to_be_hidden()
    expect(more).to_have_attribute("aria-expanded", "false")


def test_a_jpeg_stays_one_with_its_date_and_resolution_and_without_its_place(visit: Page) -> None:
    exif = Image.Exif()
    exif[0x8769] = {0x9003: "2021:05:03 14:30:00"}
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0)}
    file = io.BytesIO()
    Image.open(FOLDER / "cat.jpg").crop((0, 0, 80, 60)).save(
        file, "JPEG", dpi=(300, 300), exif=exif.tobytes()
    )
    upload(visit, "dated.jpg", file.getvalue())
    comparison(visit, (320, 240))
    menu = visit.get_by_role("group", name="Save the result")
    expect(menu.get_by_role("combobox", name="Format")).to_have_value("jpeg")
    menu.get_by_role("button", name="Quality and details").click()
    expect(menu.get_by_text("Location and camera are removed.")).to_be_visible()
    expect(menu.get_by_role("checkbox", name="Keep: May 3, 2021, 300 dpi")).to_be_checked()

    with visit.expect_download() as download:
        menu.get_by_role("link").click()

    with Image.open(download.value.path()) as image:
        assert image.getexif().get_ifd(0x8769) == {0x9003: "2021:05:03 14:30:00"}
        assert not image.getexif().get_ifd(0x8825)
        assert image.info["dpi"] == (300, 300)


# Nobody has another's pictures.


def test_another_tab_sees_nothing_of_this_one(
    visit: Page, address: str, open_page: Callable[..., Page], traffic: Traffic
) -> None:
    upload(visit, "secret.png", noise(64, 48, seed=12))
    comparison(visit, (256, 192))
    link = visit.get_by_role("group", name="Save the result").get_by_role("link")
    href = link.get_attribute("href") or ""

    other = enter(open_page(), address)

    expect(other.get_by_role("radio", name=re.compile("secret"))).to_have_count(0)
    guess = re.sub(r"result/[^.]+", "result/" + "A" * 32, href)
    traffic.allowed_errors.append("410")
    assert other.request.get(href).status == 200
    assert other.request.get(guess).status == 410


def test_an_upload_without_a_tabs_token_is_refused(visit: Page, address: str) -> None:
    answer = visit.request.post(f"{address}/upload", data=noise(9, 9, seed=1))

    assert answer.status == 403


def test_a_small_picture_is_done_beside_a_large_one_which_ends_with_its_tab(
    forgetful: str, open_page: Callable[..., Page], counted: Callable[[str, str], int]
) -> None:
    before = counted(forgetful, "cancelled")
    leaver, next_one = open_page(), open_page()
    enter(leaver, forgetful)
    enter(next_one, forgetful)
    large(leaver, size=(4000, 4000))
    expect(progress(leaver)).to_be_visible(timeout=LONG)
    upload(next_one, "small.png", noise(60, 40, seed=13))
    comparison(next_one, (240, 160))
    expect(progress(leaver)).to_be_visible()

    leaver.close()

    until(lambda: counted(forgetful, "cancelled") == before + 1)


def test_a_reload_on_a_slow_line_finds_the_work_going_on(
    visit: Page, address: str, counted: Callable[[str, str], int]
) -> None:
    before = counted(address, "cancelled")
    large(visit, size=(4000, 4000))

    def slowly(route: Route) -> None:
        time.sleep(15)
        route.continue_()

    visit.route("**/static/js/**", slowly, times=1)
    visit.reload()

    expect(progress(visit)).to_be_visible(timeout=LONG)
    assert counted(address, "cancelled") == before
    stop_the_job(visit)


# Choices.


def test_the_cleanup_can_be_chosen(visit: Page) -> None:
    choose(visit, title("rocket-jpeg"))
    comparison(visit, (1600, 1084))
    visit.get_by_text("More options").click()
    choose(visit, "Adjust")
    expect(visit.get_by_role("slider", name="Strength")).to_be_visible()
    expect(visit.get_by_text("JPEG clean-up", exact=False)).to_be_visible(timeout=LONG)
    choose(visit, "Off")
    expect(visit.get_by_role("slider", name="Strength")).to_have_count(0)

    expect(visit.get_by_text("JPEG clean-up", exact=False)).to_have_count(0, timeout=LONG)


def test_the_options_that_were_opened_stay_open(visit: Page) -> None:
    """The elements above the choices come and go with the picture and the tier."""
    adjust = visit.get_by_role("radio", name="Adjust", exact=True)
    visit.get_by_text("More options").click()
    expect(adjust).to_be_visible()

    choose(visit, title("comic"))
    expect(visit.get_by_text("“Text and drawing” chosen automatically")).to_be_visible(timeout=LONG)
    expect(adjust).to_be_visible()
    choose(visit, "Quick", group=KIND)
    expect(visit.get_by_text("chosen automatically")).to_have_count(0, timeout=LONG)
    expect(adjust).to_be_visible()


def test_the_gallery_is_used_with_the_keyboard(visit: Page) -> None:
    visit.get_by_role("radio", name=title("cat")).focus()

    visit.keyboard.press("ArrowRight")

    astronaut = visit.get_by_role("radio", name=title("astronaut-portrait"))
    expect(astronaut).to_be_focused()
    expect(astronaut).to_be_checked()
    comparison(visit, (1088, 1088))


def test_pressing_right_after_a_change_takes_the_change(visit: Page) -> None:
    large(visit, size=(1100, 900))
    stop_the_job(visit)
    choose_scale(visit, 2)
    stop_the_job(visit)
    enhance_button(visit).click()

    comparison(visit, (2200, 1800))


# Other screens.


def test_a_phone_shows_everything_without_scrolling_sideways(
    address: str, open_page: Callable[..., Page]
) -> None:
    phone = enter(open_page(**PHONE), address)

    comparison(phone, (1200, 800))
    assert overflow(phone) == 0
    for sample in samples().values():
        thumbnail = phone.get_by_role("radio", name=title(sample.name))
        thumbnail.scroll_into_view_if_needed()
        expect(thumbnail).to_be_in_viewport(ratio=1)
    expect(phone.get_by_role("link", name=re.compile("^Save"))).to_be_visible()


@pytest.mark.parametrize(
    ("scheme", "background"), [("dark", "rgb(18, 20, 28)"), ("light", "rgb(255, 255, 255)")]
)
def test_the_page_follows_the_visitors_theme(
    address: str, open_page: Callable[..., Page], scheme: str, background: str
) -> None:
    page = enter(open_page(color_scheme=scheme), address)

    expect(page.locator(".stApp")).to_have_css("background-color", background)


# Many at once.


def test_several_pictures_are_enhanced_in_a_row_and_saved_as_one_file(visit: Page) -> None:
    files = [(f"n{each}.png", noise(40 + each, 30, seed=each)) for each in range(3)]
    upload_all(visit, *files, ("bad.jpg", b"Dear diary"))

    row = visit.get_by_role("radiogroup", name="Your pictures")
    for name, _ in files:
        expect(row.get_by_role("radio", name=f"{name}: done")).to_be_visible(timeout=LONG)
    expect(row.get_by_role("radio", name="bad.jpg: cannot be used")).to_be_visible()
    row.get_by_role("radio", name="n1.png: done").click()
    comparison(visit, (164, 120))
    link = visit.get_by_role("link", name="Save all as ZIP")
    offered = visit.get_by_role("radiogroup", name="Or try one of these")
    boxes = [each.bounding_box() for each in (row, link, offered)]
    places = [each["y"] for each in boxes if each is not None]
    assert places == sorted(places)  # it follows the pictures at once, on a phone too
    with visit.expect_download() as download:
        link.click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert sorted(archive.namelist()) == ["n0_x4.png", "n1_x4.png", "n2_x4.png"]
        assert archive.testzip() is None


def test_many_large_pictures_wait_for_a_press(asking: str, page: Page) -> None:
    enter(page, asking)
    upload_all(page, *((f"n{each}.png", noise(40, 30, seed=80 + each)) for each in range(2)))

    page.get_by_role("button", name=re.compile("Enhance 2 pictures · about")).click()

    for each in range(2):
        picture = page.get_by_role("radio", name=f"n{each}.png: done")
        expect(picture).to_be_visible(timeout=LONG)


def test_several_pictures_begin_by_themselves_and_stop_together(visit: Page) -> None:
    choose_drawing(visit)
    files = [
        (f"{colour}.png", saved(Image.new("RGB", (1600, 1200), colour)))
        for colour in ("red", "teal")
    ]
    upload_all(visit, *files)
    first = visit.get_by_role("radio", name=re.compile("^red.png"))
    expect(first).to_be_checked(timeout=LONG)

    visit.get_by_role("button", name="Stop all").click(timeout=LONG)

    expect(visit.get_by_text("Stopped", exact=True)).to_be_visible(timeout=LONG)
