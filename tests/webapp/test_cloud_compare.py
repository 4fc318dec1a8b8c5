"""The same picture through both engines, and the page's parts that know of two places."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from backend import LocalEngine, UpscaleOptions, Watch
from backend.errors import CancelledError, PayloadTooLargeError
from tests.loopback import Received, Sent
from tests.webapp.cloud_endpoint import (
    ROOT,
    TIMED_OUT,
    Answering,
    Gateway,
    endpoint,
    real_server,
    said,
)
from webapp.cloud.compared import Compared, compare
from webapp.cloud.engine import CloudEngine
from webapp.cloud.errors import EndpointError, EndpointTimeoutError
from webapp.cloud.likeness import psnr
from webapp.comparison import builtin
from webapp.engine import Place
from webapp.enhance import Enhanced, Wish
from webapp.pictures import Picked
from webapp.wiring import Studio, create_studio

SECONDS = 60.0
OPTIONS = UpscaleOptions(scale=2, model="fast")


@pytest.fixture(scope="module")
def server() -> Iterator[Answering]:
    with real_server() as answer:
        yield answer


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def picked(photo_bytes: Callable[..., bytes]) -> Picked:
    return Picked.of(photo_bytes("JPEG", quality=60), name="photo.jpg")


def studio_with(gateway: Gateway, engine: LocalEngine, **changes: object) -> Studio:
    cloud = CloudEngine(endpoint(gateway.address, **changes), models=engine.models, max_side=4096)
    return create_studio(engine.settings, engine=engine, cloud=cloud)


def both(
    studio: Studio, picked: Picked, *, is_cancelled: Callable[[], bool] = lambda: False
) -> Compared:
    assert studio.cloud is not None
    return compare(
        picked.data,
        Wish(digest=picked.digest, options=OPTIONS, place=Place.BOTH),
        engine=studio.engine,
        cloud=studio.cloud,
        max_side=4096,
        watch=Watch(is_cancelled=is_cancelled),
    )


def test_the_same_engine_gives_identical_pixels(
    server: Answering, engine: LocalEngine, picked: Picked
) -> None:
    with Gateway(server) as gateway:
        result = both(studio_with(gateway, engine), picked)

    assert result.is_identical
    assert result.local.data == result.cloud.data
    assert result.nbytes > 2 * len(result.cloud.data)
    left, right = builtin.unpack(result.comparison)
    assert left.size == right.size == (192, 128)


def test_other_pixels_are_measured(server: Answering, engine: LocalEngine, picked: Picked) -> None:
    def without_cleanup(request: Received) -> Sent:
        body = request.body[:-1] + b', "cleanup": "off"}'
        return server(replace(request, body=body))

    with Gateway(without_cleanup) as gateway:
        result = both(studio_with(gateway, engine), picked)

    assert not result.is_identical
    assert 20 < result.psnr < 60


def test_a_failure_of_the_cloud_ends_the_comparison(engine: LocalEngine, picked: Picked) -> None:
    with Gateway(lambda request: TIMED_OUT) as gateway, pytest.raises(EndpointTimeoutError):
        both(studio_with(gateway, engine), picked)


def test_a_failure_of_the_cloud_stops_the_local_work(picked: Picked, engine: LocalEngine) -> None:
    class Patient:
        models: ClassVar = engine.models

        def upscale(self, data: bytes, options: UpscaleOptions, *, watch: Watch) -> object:
            pause = threading.Event()
            while not watch.is_cancelled():
                pause.wait(0.02)
            raise CancelledError("Cancelled.")

    with Gateway(lambda request: said(500, {"message": None})) as gateway:
        studio = replace(studio_with(gateway, engine), engine=Patient())
        with pytest.raises(EndpointError, match="status 500"):
            both(studio, picked)


def test_a_cancelled_comparison_makes_nothing(
    server: Answering, engine: LocalEngine, picked: Picked
) -> None:
    with Gateway(server) as gateway, pytest.raises(CancelledError):
        both(studio_with(gateway, engine), picked, is_cancelled=lambda: True)


def test_each_place_has_its_own_result(
    server: Answering, engine: LocalEngine, picked: Picked
) -> None:
    with Gateway(server) as gateway:
        studio = studio_with(gateway, engine)
        wishes = [Wish(digest=picked.digest, options=OPTIONS, place=each) for each in Place]
        for wish in wishes:
            job = studio.start(picked.data, wish, visitor="ann")
            assert job is not None
            assert job.wait(SECONDS)
            assert job.state.error is None

        local, cloud, compared = (studio.results.get(wish) for wish in wishes)
        assert isinstance(local, Enhanced)
        assert isinstance(cloud, Enhanced)
        assert isinstance(compared, Compared)
        assert studio.file(wishes[1], "png") == cloud.upscaled.data == local.upscaled.data
        assert len(gateway.received) == 2
        assert len({wish.name for wish in wishes}) == 3
        size = cloud.upscaled.lr_size
        assert studio.estimated_seconds(size, wishes[2]) >= studio.estimated_seconds(
            size, wishes[1]
        )


def test_waiting_for_the_cloud_leaves_this_computer_free(
    engine: LocalEngine, picked: Picked
) -> None:
    is_over = threading.Event()

    def late(request: Received) -> Sent:
        is_over.wait(SECONDS)
        return TIMED_OUT

    with Gateway(late) as gateway:
        studio = studio_with(gateway, engine)
        far = studio.start(
            picked.data, Wish(digest="a", options=OPTIONS, place=Place.CLOUD), visitor="a"
        )
        near = studio.start(picked.data, Wish(digest="b", options=OPTIONS), visitor="b")
        assert far is not None
        assert near is not None
        assert near.wait(SECONDS)
        assert not far.state.phase.is_over
        is_over.set()
        assert far.wait(SECONDS)


def test_only_what_is_sent_has_to_fit(engine: LocalEngine, picked: Picked) -> None:
    with Gateway(lambda request: TIMED_OUT) as gateway:
        studio = studio_with(gateway, engine, max_body_bytes=1000)

        studio.check(picked.data, place=Place.LOCAL)
        for place in (Place.CLOUD, Place.BOTH):
            with pytest.raises(PayloadTooLargeError):
                studio.check(picked.data, place=place)


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
    """The page with an endpoint's settings; its studio is made anew."""

    def run(**environment: str) -> AppTest:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return AppTest.from_file(str(ROOT / "webapp" / "app.py"), default_timeout=SECONDS).run()

    st.cache_resource.clear()
    yield run
    st.cache_resource.clear()


def captions(app: AppTest) -> str:
    return " ".join(caption.value for caption in app.caption)


def test_without_an_endpoint_nothing_of_it_is_there(run_page: Callable[..., AppTest]) -> None:
    app = run_page()

    assert not [group for group in app.button_group if group.key == "place"]
    assert not [button for button in app.button if button.key == "test"]
    assert "neither kept nor sent" in captions(app)


def test_with_one_the_visitor_begins_at_home(run_page: Callable[..., AppTest]) -> None:
    app = run_page(SR_ENDPOINT_URL="https://a1b2c3.execute-api.eu-west-1.amazonaws.com/prod")

    (place,) = [group for group in app.button_group if group.key == "place"]
    assert list(place.options) == [
        "On this computer",
        "In the cloud",
        "Compare both",
    ]
    assert not [button for button in app.button if button.key == "test"]
    assert "neither kept nor sent" in captions(app)
    assert "a1b2c3" not in str(app)


def test_the_sentence_about_the_pictures_is_true_for_each_place(
    run_page: Callable[..., AppTest],
) -> None:
    app = run_page(SR_ENDPOINT_URL="https://a1b2c3.execute-api.eu-west-1.amazonaws.com/prod")
    (place,) = [group for group in app.button_group if group.key == "place"]

    place.set_value(Place.CLOUD)
    app.run()
    assert "sent (encrypted) to the cloud (AWS, eu-west-1)" in captions(app)
    assert "neither kept nor sent" not in captions(app)

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

    assert app.button(key="enhance").disabled
    assert "at most" in app.error[0].value
    assert "On this computer" in app.error[0].value
