"""The parts put together, and the files that configure the page."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from backend import LocalEngine, UpscaleOptions, Watch
from backend.errors import ImageError, SourceNotAllowedError
from backend.images import decode
from webapp.enhance import Enhanced, EnhanceRequest
from webapp.enhancer import Enhancer, create_enhancer, prepare_samples, shared_enhancer
from webapp.pictures import InputFile
from webapp.samples import FOLDER, samples
from webapp.settings import PageSettings
from webapp.tabs import Tab

ROOT = Path(__file__).resolve().parents[2]
APP = str(ROOT / "webapp" / "page.py")
SERVER = str(ROOT / "webapp" / "app.py")
SECONDS = 60.0


@pytest.fixture
def enhancer(engine: LocalEngine) -> Enhancer:
    return create_enhancer(PageSettings(), engine=engine)


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


def test_a_damaged_picture_is_decoded_only_once(enhancer: Enhancer, tab: Tab) -> None:
    damaged = InputFile.from_bytes(
        b"\x89PNG\r\n\x1a\n" + bytes(50), name="a.png", disk=enhancer.disk
    )

    with pytest.raises(ImageError):
        enhancer.inspect(tab, damaged)
    with pytest.raises(ImageError) as again:
        enhancer.inspect(tab, damaged)

    assert again.value is tab.inspections[damaged.digest]


def test_a_part_looks_as_it_does_in_the_whole(
    enhancer: Enhancer, tab: Tab, picture: InputFile
) -> None:
    request = request_for(picture)
    finish(enhancer, tab, picture, request)
    result = enhancer.result(tab, picture, request)
    assert isinstance(result, Enhanced)
    inspection = enhancer.inspect(tab, picture)

    before, after = enhancer.enhance_part(
        picture, inspection, request.options, (20, 10, 52, 42), watch=Watch()
    )

    whole = decode(result.encode("png"), max_side=1000).rgb
    assert np.array_equal(decode(after, max_side=1000).rgb, whole[20:84, 40:104])
    lr = decode(picture.file.read(), max_side=1000).rgb
    assert np.array_equal(decode(before, max_side=1000).rgb, lr[10:42, 20:52])


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


@pytest.mark.usefixtures("fresh_enhancer")
def test_the_first_view_has_a_sample_and_its_sizes() -> None:
    app = run_page()

    assert not app.exception
    assert not app.error
    assert app.title[0].value == "Super-resolution"
    assert "272 × 272 → 1088 × 1088 pixels" in [caption.value for caption in app.caption]


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


def test_the_page_finds_the_engine_without_help_from_the_environment() -> None:
    """As `streamlit run` of a fresh clone: neither PYTHONPATH nor the working directory helps."""
    script = (
        f"import runpy; runpy.run_path({SERVER!r}); "
        "from streamlit.testing.v1 import AppTest; "
        f"app = AppTest.from_file({APP!r}, default_timeout={SECONDS}).run(); "
        "import os; os._exit(1 if app.exception else 0)"
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

    while not any("JPEG clean-up" in caption.value for caption in app.caption):
        app.run()

    assert not app.exception
    assert len(app.get("iframe")) == frames
