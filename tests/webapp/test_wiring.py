"""The parts put together, and the files that configure the page."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from backend import LocalEngine, Settings, SuperResolutionError, UpscaleOptions
from backend.errors import SourceNotAllowedError
from webapp.enhance import Wish
from webapp.pictures import Picked
from webapp.samples import FOLDER, samples
from webapp.wiring import Studio, create_studio

ROOT = Path(__file__).resolve().parents[2]
APP = str(ROOT / "webapp" / "app.py")
SECONDS = 60.0


@pytest.fixture
def studio(engine: LocalEngine) -> Studio:
    return create_studio(engine.settings, engine=engine)


@pytest.fixture
def fresh_studio() -> Iterator[None]:
    """The page makes its own anew, and the next test too."""
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


@pytest.fixture
def picked(photo_bytes: Callable[..., bytes]) -> Picked:
    return Picked.of(photo_bytes("PNG"), name="photo.png")


def wish_for(picked: Picked) -> Wish:
    return Wish(digest=picked.digest, options=UpscaleOptions(scale=2, model="fast"))


def test_a_finished_wish_is_kept_and_not_worked_on_again(studio: Studio, picked: Picked) -> None:
    wish = wish_for(picked)
    job = studio.start(picked.data, wish, visitor="ann")
    assert job is not None
    assert job.wait(SECONDS)

    assert studio.results.get(wish) is not None
    assert studio.start(picked.data, wish, visitor="bob") is None
    assert studio.file(wish, "png").startswith(b"\x89PNG")


def test_a_result_that_made_room_is_a_named_error(studio: Studio, picked: Picked) -> None:
    with pytest.raises(SuperResolutionError):
        studio.file(wish_for(picked), "png")


def test_links_follow_the_engines_rules(studio: Studio) -> None:
    with pytest.raises(SourceNotAllowedError):
        studio.fetch("http://127.0.0.1/picture.jpg")


def test_every_sample_has_its_file_and_words() -> None:
    assert len(samples()) >= 8
    for sample in samples().values():
        assert (FOLDER / sample.file).is_file()
        assert sample.title
        assert sample.caption
        assert sample.thumbnail().startswith("data:image/webp;base64,")


def config() -> dict[str, dict[str, object]]:
    return tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


def test_the_upload_limit_is_the_engines() -> None:
    assert config()["server"]["maxUploadSize"] == Settings().max_image_bytes // 2**20


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


@pytest.mark.usefixtures("fresh_studio")
def test_the_first_view_is_ready_to_go() -> None:
    app = run_page()

    assert not app.exception
    assert not app.error
    assert app.title[0].value == "Make small pictures sharp"
    assert not app.button(key="enhance").disabled
    assert "272 × 272 → 544 × 544 pixels" in [caption.value for caption in app.caption]


@pytest.mark.usefixtures("fresh_studio")
def test_a_wrong_setting_gives_a_clear_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SR_TILE_SIZE", "huge")

    app = run_page()

    assert not app.exception
    assert app.error[0].value.startswith("Whoever runs this page")
    assert "SR_TILE_SIZE" in app.code[0].value
    assert not app.button


@pytest.mark.usefixtures("fresh_studio")
def test_missing_networks_give_a_clear_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SR_MODELS_DIR", os.fspath(tmp_path / "nothing"))

    app = run_page()

    assert not app.exception
    assert len(app.error) == 1
    assert str(tmp_path) not in app.error[0].value


@pytest.mark.usefixtures("fresh_studio")
def test_a_link_cannot_be_pasted_where_the_web_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SR_ALLOW_WEB_SOURCES", "0")

    (way,) = [group for group in run_page().button_group if group.key == "way"]

    assert len(way.options) == 2


def test_the_page_finds_the_engine_without_help_from_the_environment() -> None:
    """As `streamlit run` of a fresh clone: neither PYTHONPATH nor the working directory helps."""
    script = f"import runpy; runpy.run_path({APP!r})"

    run = subprocess.run(
        [sys.executable, "-I", "-c", script], cwd="/", capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stderr


@pytest.mark.usefixtures("fresh_studio")
@pytest.mark.parametrize(
    ("slider", "element"), [("builtin", "bidi_component"), ("juxtapose", "iframe")]
)
def test_the_setting_chooses_the_slider_of_the_result(
    monkeypatch: pytest.MonkeyPatch, slider: str, element: str
) -> None:
    monkeypatch.setenv("SR_SLIDER", slider)
    app = run_page()
    before = len(app.get(element))

    app.button(key="enhance").click().run()
    while not app.get("download_button"):
        app.run()

    assert not app.exception
    assert len(app.get(element)) == before + 1
    assert len(app.get("download_button")) == 3
