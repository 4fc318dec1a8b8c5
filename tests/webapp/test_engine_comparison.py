"""The same picture through both engines, and the page's parts for two places."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from backend import LocalEngine, Upscaled, UpscaleOptions, Watch
from backend.errors import CancelledError, PayloadTooLargeError
from testbed.loopback import Received, Sent
from tests.webapp.cloud_endpoint import (
    ROOT,
    TIMED_OUT,
    Answering,
    Gateway,
    endpoint,
    real_server,
    said,
)
from webapp.base import side
from webapp.client.errors import EndpointError, EndpointTimeoutError
from webapp.client.remote import RemoteEngine
from webapp.intake import state as intake
from webapp.intake.pictures import InputFile
from webapp.settings import PageSettings
from webapp.shared import Shared
from webapp.wiring import create_shared, shared_by_all
from webapp.work import expectations
from webapp.work import state as work
from webapp.work.comparison import EngineComparison, compare_engines, psnr
from webapp.work.enhance import Enhanced, EnhanceRequest, Place

SECONDS = 300.0
OPTIONS = UpscaleOptions(scale=2, model="fast")


@pytest.fixture(scope="module")
def server() -> Iterator[Answering]:
    with real_server() as answer:
        yield answer


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


def shared_with(gateway: Gateway, engine: LocalEngine, **changes: object) -> Shared:
    cloud = RemoteEngine(
        endpoint(gateway.address, **changes),
        models=engine.models,
        details=engine.details,
        max_side=4096,
    )
    return create_shared(PageSettings(), engine=engine, cloud=cloud)


@pytest.fixture
def data(photo_bytes: Callable[..., bytes]) -> bytes:
    return photo_bytes("JPEG", quality=60)


def opened(shared: Shared, data: bytes) -> InputFile:
    return InputFile.from_bytes(data, name="photo.jpg", disk=shared.disk)


def both(
    shared: Shared, data: bytes, *, is_cancelled: Callable[[], bool] = lambda: False
) -> EngineComparison:
    assert shared.cloud is not None
    picture = opened(shared, data)
    return compare_engines(
        data,
        EnhanceRequest(digest=picture.digest, options=OPTIONS, place=Place.BOTH),
        intake.inspect(shared, shared.tabs.open("ann"), picture),
        engine=shared.engine,
        cloud=shared.cloud,
        disk=shared.disk,
        watch=Watch(is_cancelled=is_cancelled),
    )


def test_the_same_engine_gives_identical_pixels(
    server: Answering, engine: LocalEngine, data: bytes
) -> None:
    with Gateway(server) as gateway:
        result = both(shared_with(gateway, engine), data)

    assert result.is_identical
    assert result.local.master.read() == result.cloud.master.read()
    assert result.nbytes > 2 * result.cloud.master.nbytes
    left, right = (side.unpack(each.side.read()) for each in (result.local, result.cloud))
    assert left.size == right.size == (192, 128)


def test_a_difference_in_pixels_is_measured(
    server: Answering, engine: LocalEngine, data: bytes
) -> None:
    def without_cleanup(request: Received) -> Sent:
        body = request.body[:-1] + b', "cleanup": "off"}'
        return server(replace(request, body=body))

    with Gateway(without_cleanup) as gateway:
        result = both(shared_with(gateway, engine), data)

    assert not result.is_identical
    assert 20 < result.psnr < 60


def test_a_failure_of_the_cloud_ends_the_comparison(engine: LocalEngine, data: bytes) -> None:
    with Gateway(lambda request: TIMED_OUT) as gateway, pytest.raises(EndpointTimeoutError):
        both(shared_with(gateway, engine), data)


def test_a_failure_of_the_cloud_stops_the_local_work(data: bytes, engine: LocalEngine) -> None:
    class Patient:
        models = engine.models

        def upscale(
            self, data: bytes, options: UpscaleOptions, *, watch: Watch = Watch()
        ) -> Upscaled:
            pause = threading.Event()
            while not watch.is_cancelled():
                pause.wait(0.02)
            raise CancelledError("Cancelled.")

        @property
        def details(self) -> dict[str, int]:
            return {}

        def expect_first_look(self, visitor: object) -> None:
            """Nobody else is at work."""

        def estimated_seconds(self, size: tuple[int, int], options: UpscaleOptions) -> float:
            return 1.0

    with Gateway(lambda request: said(500, {"message": None})) as gateway:
        patient = Patient()
        shared = replace(shared_with(gateway, engine), engine=patient)  # type: ignore[arg-type]
        with pytest.raises(EndpointError, match="status 500"):
            both(shared, data)


def test_a_cancelled_comparison_makes_nothing(
    server: Answering, engine: LocalEngine, data: bytes
) -> None:
    with Gateway(server) as gateway, pytest.raises(CancelledError):
        both(shared_with(gateway, engine), data, is_cancelled=lambda: True)


def test_each_place_has_its_own_result(server: Answering, engine: LocalEngine, data: bytes) -> None:
    with Gateway(server) as gateway:
        shared = shared_with(gateway, engine)
        tab, picture = shared.tabs.open("ann"), opened(shared, data)
        requests = [
            EnhanceRequest(digest=picture.digest, options=OPTIONS, place=each) for each in Place
        ]
        for request in requests:
            work.start(shared, tab, picture, request)
            assert tab.jobs[request].wait(SECONDS)
            assert work.running_job(tab, request) is None
        assert tab.errors == {}

        local, cloud, compared = (work.result(shared, tab, picture, each) for each in requests)
        assert isinstance(local, Enhanced)
        assert isinstance(cloud, Enhanced)
        assert isinstance(compared, EngineComparison)
        assert cloud.master.read() == local.master.read()
        assert len(gateway.received) == 2
        assert len({request.key for request in requests}) == 3
        size = cloud.upscaled.lr_size
        both, far = (
            expectations.estimate(shared, size, each).total for each in reversed(requests[1:])
        )
        assert both >= far


def test_nothing_is_sent_without_being_asked_for(engine: LocalEngine, data: bytes) -> None:
    with Gateway(lambda request: TIMED_OUT) as gateway:
        shared = shared_with(gateway, engine)
        requests = [EnhanceRequest(digest="a", options=OPTIONS, place=each) for each in Place]

        pressed = [expectations.needs_a_press(shared, (96, 64), each) for each in requests]

    assert pressed == [False, True, True]


def test_waiting_for_the_cloud_leaves_this_computer_free(engine: LocalEngine, data: bytes) -> None:
    is_over = threading.Event()

    def late(request: Received) -> Sent:
        is_over.wait(SECONDS)
        return TIMED_OUT

    with Gateway(late) as gateway:
        shared = shared_with(gateway, engine)
        tab, picture = shared.tabs.open("ann"), opened(shared, data)
        far, near = (
            EnhanceRequest(digest=picture.digest, options=OPTIONS, place=each)
            for each in (Place.CLOUD, Place.LOCAL)
        )
        for request in (far, near):
            work.start(shared, tab, picture, request)
        assert tab.jobs[near].wait(SECONDS)
        assert not tab.jobs[far].state.phase.is_over
        is_over.set()
        assert tab.jobs[far].wait(SECONDS)


def test_only_requests_that_are_sent_have_to_fit(engine: LocalEngine, data: bytes) -> None:
    with Gateway(lambda request: TIMED_OUT) as gateway:
        shared = shared_with(gateway, engine, max_body_bytes=1000)
        picture = opened(shared, data)

        work.check(shared, picture, place=Place.LOCAL)
        for place in (Place.CLOUD, Place.BOTH):
            with pytest.raises(PayloadTooLargeError):
                work.check(shared, picture, place=place)


def test_psnr_is_that_of_the_definition() -> None:
    random = np.random.default_rng(7)
    one = random.integers(0, 256, (1100, 40, 3), np.uint8)
    other = random.integers(0, 256, (1100, 40, 3), np.uint8)
    error = np.mean((one.astype(float) - other.astype(float)) ** 2)

    measured = psnr(Image.fromarray(one), Image.fromarray(other))

    assert measured == pytest.approx(10 * math.log10(255**2 / error))
    assert math.isinf(psnr(Image.fromarray(one), Image.fromarray(one)))


def test_transparency_counts_where_both_have_it() -> None:
    seen, hidden = (Image.new("RGBA", (4, 4), (9, 9, 9, alpha)) for alpha in (255, 0))

    assert psnr(seen, hidden) < 10
    assert math.isinf(psnr(seen.convert("RGB"), hidden))


def test_pictures_of_different_sizes_have_no_psnr() -> None:
    with pytest.raises(ValueError, match="different sizes"):
        psnr(Image.new("L", (4, 4)), Image.new("L", (4, 5)))


# The page.


@pytest.fixture
def run_page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """Draw the page with an endpoint's settings and a sample soon done; make its `Shared` again."""

    def run(**environment: str) -> AppTest:
        for name, value in {"SR_MODEL": "fast", **environment}.items():
            monkeypatch.setenv(name, value)
        return AppTest.from_file(str(ROOT / "webapp" / "page.py"), default_timeout=SECONDS).run()

    shared_by_all.cache_clear()
    yield run
    shared_by_all.cache_clear()


def captions(app: AppTest) -> str:
    return " ".join(caption.value for caption in app.caption)


def test_without_an_endpoint_nothing_of_it_is_there(run_page: Callable[..., AppTest]) -> None:
    app = run_page()

    assert not [group for group in app.button_group if group.key == "place"]
    assert not [button for button in app.button if button.key == "test"]
    assert "sent nowhere else" not in captions(app)  # the drop area says it


def test_a_visitor_of_a_page_with_an_endpoint_begins_at_home(
    run_page: Callable[..., AppTest],
) -> None:
    app = run_page(SR_ENDPOINT_URL="https://a1b2c3.execute-api.eu-west-1.amazonaws.com/prod")

    (place,) = [group for group in app.button_group if group.key == "place"]
    assert list(place.options) == [
        "On this computer",
        "In the cloud",
        "Compare both",
    ]
    assert not [button for button in app.button if button.key == "test"]
    assert "sent nowhere else" in captions(app)
    assert "a1b2c3" not in str(app)


def test_the_sentence_about_the_pictures_is_true_for_each_place(
    run_page: Callable[..., AppTest],
) -> None:
    app = run_page(SR_ENDPOINT_URL="https://a1b2c3.execute-api.eu-west-1.amazonaws.com/prod")
    (place,) = [group for group in app.button_group if group.key == "place"]

    place.set_value(Place.CLOUD)
    app.run()
    assert "sent (encrypted) to the cloud (AWS, eu-west-1)" in captions(app)
    assert "sent nowhere else" not in captions(app)

    (place,) = [group for group in app.button_group if group.key == "place"]
    place.set_value(Place.BOTH)
    app.run()
    assert "on the computer that serves this page, and also sent" in captions(app)


def test_a_wrong_endpoint_stops_the_page_in_words(run_page: Callable[..., AppTest]) -> None:
    app = run_page(
        SR_ENDPOINT_URL="https://sharp.example.com",
        SR_ENDPOINT_AUTH="iam",
        SR_ENDPOINT_API_KEY="s3cret",
    )

    assert not app.exception
    assert "SR_ENDPOINT_REGION" in app.code[0].value
    assert "s3cret" not in str(app)


def test_a_file_too_large_for_the_cloud_is_said_before_it_is_sent(
    run_page: Callable[..., AppTest],
) -> None:
    app = run_page(
        SR_ENDPOINT_URL="https://a1b2c3.execute-api.eu-west-1.amazonaws.com/prod",
        SR_ENDPOINT_MAX_BODY_BYTES="1000",
    )
    (place,) = [group for group in app.button_group if group.key == "place"]
    place.set_value(Place.CLOUD)
    app.run()

    bars = [each for each in app.get("bidi_component") if "createBar" in each.proto.js_content]
    assert bars == []
    assert "at most" in app.error[0].value
    assert "On this computer" in app.error[0].value
