"""The page with a deployed endpoint: the real server behind a gateway that checks signatures."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from testbed.aws.signature import SECRET_KEY
from testbed.loopback import Received, Sent
from testbed.visitor import (
    LONG,
    choose,
    comparison,
    enhance_button,
    enter,
    let_jobs_end,
    press_as_jobs_end,
    progress,
    saved,
    stop_the_job,
    upload,
)
from tests.browser.conftest import SAMPLES_ON_DEMAND
from tests.webapp.cloud_endpoint import (
    API_KEY,
    AWS_ENVIRONMENT,
    TIMED_OUT,
    Answering,
    Bucket,
    Gateway,
    in_turn,
    linking,
    real_server,
    said,
)

TWICE = "/?scale=2&sample=astronaut-portrait.jpg&model=fast"


class Changeable:
    """The service behind the gateway, which one test may replace."""

    def __init__(self, real: Answering) -> None:
        self.real = real
        self.now = real

    def __call__(self, request: Received) -> Sent:
        return self.now(request)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Changeable]:
    with real_server() as real:
        yield Changeable(real)


@pytest.fixture
def behind(upstream: Changeable) -> Iterator[Changeable]:
    """The real server, before and after each test."""
    yield upstream
    upstream.now = upstream.real


@pytest.fixture(scope="module")
def gateway(upstream: Changeable) -> Iterator[Gateway]:
    """A gateway that requires a signature and a key."""
    with Gateway(upstream, signed=True, api_key=True) as gateway:
        yield gateway


StartPage = Callable[..., str]


@pytest.fixture
def start_page(streamlit_server: Callable[..., str], gateway: Gateway) -> StartPage:
    """Open a page for this gateway, with its user's credentials unless they are changed."""

    def start(**changes: str) -> str:
        env = {
            **AWS_ENVIRONMENT,
            "SR_MODEL": "fast",
            "NO_PROXY": "*",
            "SR_ENDPOINT_URL": gateway.address,
            "SR_ENDPOINT_AUTH": "iam",
            "SR_ENDPOINT_API_KEY": API_KEY,
            "SR_ENDPOINT_REGION": AWS_ENVIRONMENT["AWS_REGION"],
            **changes,
        }
        return streamlit_server("webapp/app.py", env=env, program=SAMPLES_ON_DEMAND)

    return start


@pytest.fixture
def visit(start_page: StartPage, behind: Changeable, page: Page) -> Page:
    return enter(page, start_page() + TWICE)


def go_to_the_cloud(page: Page, place: str = "In the cloud") -> None:
    choose(page, place)
    expect(page.get_by_role("button", name="Test connection")).to_be_visible()
    expect(page.get_by_text("your picture is")).to_be_visible()


def shown(page: Page, *, left: str, right: str) -> None:
    """Wait for the slider with these labels."""
    slider = page.locator(".st-key-result .comparison[data-state=ready]")
    for side, text in (("before", left), ("after", right)):
        badge = slider.locator(f".badge[data-side={side}]")
        expect(badge).to_have_text(text, timeout=LONG)


def no_secret_in(page: Page) -> None:
    content = page.content()
    for secret in (SECRET_KEY, API_KEY, "prod/resolution"):
        assert secret not in content


def test_a_signed_run_in_the_cloud(visit: Page, gateway: Gateway) -> None:
    before = len(gateway.received)
    expect(visit.get_by_text("sent nowhere else")).to_be_visible()
    go_to_the_cloud(visit)
    expect(visit.get_by_text("sent nowhere else")).to_have_count(0)

    enhance_button(visit).click()

    shown(visit, left="Before · 272 × 272", right="After · 544 × 544")
    expect(visit.get_by_text("in the cloud ·")).to_contain_text("sent")
    (request,) = gateway.received[before:]
    assert request.headers["Authorization"].startswith("AWS4-HMAC-SHA256 ")
    assert request.headers["x-api-key"] == API_KEY
    with visit.expect_download() as download:
        visit.get_by_role("link", name=re.compile("^Save")).click()
    with Image.open(download.value.path()) as image:
        assert image.size == (544, 544)
    no_secret_in(visit)


def test_the_difference_to_the_cloud_is_measured(visit: Page, behind: Changeable) -> None:
    def without_cleanup(request: Received) -> Sent:
        body = request.body[:-1] + b', "cleanup": "off"}'
        again = Received(
            method=request.method, target=request.target, headers=request.headers, body=body
        )
        return behind.real(again)

    behind.now = without_cleanup
    choose(visit, "Rocket, poor JPEG")
    go_to_the_cloud(visit, "Compare both")

    enhance_button(visit).click()

    shown(visit, left="This computer · 800 × 542", right="Cloud · 800 × 542")
    expect(visit.get_by_text("The two results differ: PSNR")).to_be_visible()


def test_a_cold_start_is_only_a_wait_and_a_link_is_followed(
    visit: Page, behind: Changeable
) -> None:
    with Bucket() as bucket:
        linked = linking(behind.real, bucket.store, address=lambda: bucket.url)
        behind.now = in_turn(TIMED_OUT, linked)
        choose(visit, "Brick wall")
        go_to_the_cloud(visit)

        enhance_button(visit).click()

        shown(visit, left="Before · 320 × 240", right="After · 640 × 480")
        expect(visit.get_by_text("in two tries")).to_be_visible()
        assert len(bucket.received) == 1
        assert bucket.url not in visit.content()


def test_an_endpoint_that_gives_up_is_explained_and_home_still_works(
    visit: Page, behind: Changeable
) -> None:
    behind.now = in_turn(said(200, "invalid param"), TIMED_OUT)
    choose(visit, "Comic panel")
    go_to_the_cloud(visit)
    enhance_button(visit).click()
    alert = visit.get_by_role("alert")
    expect(alert).to_contain_text("The endpoint says: “invalid param”.", timeout=LONG)
    enhance_button(visit).click()
    expect(alert).to_contain_text("The cloud took too long", timeout=LONG)
    expect(alert).to_contain_text("within its own time limit")

    choose(visit, "On this computer")
    expect(alert).to_have_count(0)

    shown(visit, left="Before · 400 × 300", right="After · 800 × 600")


def test_waiting_for_the_cloud_can_be_cancelled(visit: Page, behind: Changeable) -> None:
    is_over = threading.Event()

    def late(request: Received) -> Sent:
        is_over.wait(30)
        return TIMED_OUT

    behind.now = late
    choose(visit, "Distant galaxies")
    go_to_the_cloud(visit)
    enhance_button(visit).click()
    expect(progress(visit)).to_be_visible()

    stop_the_job(visit)

    expect(enhance_button(visit)).to_be_enabled()
    is_over.set()


def test_a_press_counts_if_a_job_ends_at_the_same_moment(
    start_page: StartPage, behind: Changeable, page: Page
) -> None:
    let_jobs_end(page)
    enter(page, start_page() + TWICE)
    upload(page, "large.png", saved(Image.radial_gradient("L").resize((1200, 900))))
    comparison(page, (2400, 1800))
    go_to_the_cloud(page)

    press_as_jobs_end(enhance_button(page))

    shown(page, left="Before · 1200 × 900", right="After · 2400 × 1800")
    expect(page.get_by_text("in the cloud ·")).to_contain_text("sent")
    press_as_jobs_end(page.get_by_role("button", name="Test connection"))
    expect(page.get_by_text("The connection works")).to_be_visible(timeout=LONG)


def test_the_connection_is_tested_in_words(visit: Page, behind: Changeable) -> None:
    go_to_the_cloud(visit)
    test = visit.get_by_role("button", name="Test connection")

    test.click()
    expect(visit.get_by_text("The connection works")).to_be_visible(timeout=LONG)

    behind.now = in_turn(said(200, {"result": [{"word": "hello"}]}))
    test.click()
    alert = visit.get_by_role("alert")
    expect(alert).to_contain_text("not a service that enlarges pictures", timeout=LONG)


def test_a_wrong_secret_is_named(start_page: StartPage, page: Page) -> None:
    enter(page, start_page(AWS_SECRET_ACCESS_KEY=SECRET_KEY[::-1]) + TWICE)
    go_to_the_cloud(page)

    page.get_by_role("button", name="Test connection").click()

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("does not let this page in", timeout=LONG)
    expect(alert).to_contain_text("missing, wrong or expired")
    no_secret_in(page)


def test_a_missing_key_is_named(start_page: StartPage, page: Page) -> None:
    enter(page, start_page(SR_ENDPOINT_API_KEY="") + TWICE)
    go_to_the_cloud(page)

    enhance_button(page).click()

    expect(page.get_by_role("alert")).to_contain_text("SR_ENDPOINT_API_KEY", timeout=LONG)


def test_the_places_are_in_sight_on_a_phone_in_german(
    start_page: StartPage, open_page: Callable[..., Page]
) -> None:
    size = {"width": 390, "height": 844}
    phone = open_page(viewport=size, is_mobile=True, has_touch=True, locale="de")
    enter(phone, start_page() + TWICE)

    for place in phone.locator(".st-key-place").get_by_role("radio").all():
        box = place.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size["width"]


def test_both_give_the_same_picture_on_a_phone_too(
    start_page: StartPage, open_page: Callable[..., Page], behind: Changeable
) -> None:
    phone = open_page(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    enter(phone, start_page() + TWICE)
    go_to_the_cloud(phone, "Compare both")

    enhance_button(phone).tap()

    shown(phone, left="This computer · 544 × 544", right="Cloud · 544 × 544")
    expect(phone.get_by_text("identical, pixel by pixel")).to_be_visible()
    expect(phone.get_by_role("button", name="Zoom in to see the difference")).to_be_hidden()
    expect(phone.get_by_role("button", name="This computer", exact=True)).to_be_visible()
    expect(phone.get_by_role("button", name="Full screen")).to_be_in_viewport(ratio=1)
    main = phone.locator("[data-testid=stMain]")
    assert main.evaluate("each => each.scrollWidth - each.clientWidth") == 0
    for place in ("local", "cloud"):
        with phone.expect_download() as download:
            phone.locator(f".st-key-saver-{place}").get_by_role("link").click()
        with Image.open(download.value.path()) as image:
            assert image.size == (544, 544)
