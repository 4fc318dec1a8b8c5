"""Settings come from the environment once, and wrong ones stop the process."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import get_origin, get_type_hints

import pytest

from backend import Settings, SettingsError
from backend.settings import (
    PAGE_SETTINGS,
    PREFIX,
    read_settings,
    setting,
    user_models_dir,
    whole_number,
)
from webapp.settings import PageSettings

TEXTS = ("openvino", "1", "2.5", "INFO", "text", "builtin", "none", "some, words", "10.0.0.0/8")
"""Values of which each setting accepts at least one."""


def test_absent_and_empty_variables_leave_the_defaults() -> None:
    assert Settings.from_environment({"SR_MODEL": "", "HOME": "/"}) == Settings()


def test_networks_are_looked_for_in_the_users_data_folder_once_it_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "super-resolution" / "models"
    environment = {"XDG_DATA_HOME": str(tmp_path), "HOME": "/"}
    assert user_models_dir(environment) == folder
    assert Settings.from_environment(environment).models_dir is None
    folder.mkdir(parents=True)
    assert Settings.from_environment(environment).models_dir == folder
    elsewhere = {**environment, "SR_MODELS_DIR": "/networks"}
    assert Settings.from_environment(elsewhere).models_dir == Path("/networks")


@pytest.mark.parametrize("data", [{}, {"XDG_DATA_HOME": ""}, {"XDG_DATA_HOME": "relative"}])
def test_the_data_folder_is_the_homes_unless_it_is_named(data: dict[str, str]) -> None:
    usual = Path("/home/ann/.local/share/super-resolution/models")
    assert user_models_dir({"HOME": "/home/ann", **data}) == usual
    assert user_models_dir(data) is None


def test_on_windows_the_data_folder_is_the_local_one_of_applications() -> None:
    environment = {"LOCALAPPDATA": "/Users/ann/AppData/Local", "USERPROFILE": "/Users/ann"}
    expected = Path("/Users/ann/AppData/Local/super-resolution/models")
    assert user_models_dir(environment) == expected


def test_every_kind_of_value_is_read() -> None:
    settings = Settings.from_environment(
        {
            "SR_MODEL": "quality",
            "SR_MODELS_DIR": "/networks",
            "SR_TILE_SIZE": "128",
            "SR_INPUT_BUCKETS": "one, two",
            "SR_TIME_BUDGET_SECONDS": "27.5",
            "SR_ALLOW_WEB_SOURCES": "0",
        }
    )
    assert settings.model == "quality"
    assert settings.models_dir == Path("/networks")
    assert settings.tile_size == 128
    assert settings.input_buckets == ("one", "two")
    assert settings.time_budget_seconds == 27.5
    assert settings.allow_web_sources is False


def test_an_unknown_setting_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"SR_TILESIZE.*; did you mean SR_TILE_SIZE\?$"):
        Settings.from_environment({"SR_TILESIZE": "128"})
    with pytest.raises(SettingsError, match=r"SR_XXXX; known: .*SR_TRUSTED_PROXIES$"):
        Settings.from_environment({"SR_XXXX": "128"})


def test_the_pages_own_settings_stop_no_other_program() -> None:
    own = {each.name for each in dataclasses.fields(PageSettings)} - {
        each.name for each in dataclasses.fields(Settings)
    }
    assert set(PAGE_SETTINGS) == {PREFIX + name.upper() for name in own}
    environment = dict.fromkeys(PAGE_SETTINGS, "anything")
    assert Settings.from_environment({**environment, "HOME": "/"}) == Settings()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SR_TILE_SIZE", "0"),
        ("SR_TILE_SIZE", "-5"),
        ("SR_THREADS", "two"),
        ("SR_MAX_QUEUED", "1.5"),
        ("SR_TIME_BUDGET_SECONDS", "nan"),
        ("SR_SOURCE_TIMEOUT_SECONDS", "0"),
        ("SR_LOG_LEVEL", "LOUD"),
        ("SR_TRUSTED_PROXIES", "proxy.example.com"),
        ("SR_TRUSTED_PROXIES", "*"),
        ("SR_ALLOW_PRIVATE_SOURCES", "yes"),
    ],
)
def test_a_bad_value_is_named(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        Settings.from_environment({variable: value})


@pytest.mark.parametrize("field", dataclasses.fields(Settings), ids=lambda field: field.name)
def test_settings_have_their_annotated_types(field: dataclasses.Field[object]) -> None:
    variable = PREFIX + field.name.upper()
    values = []
    for text in TEXTS:
        try:
            values.append(getattr(Settings.from_environment({variable: text}), field.name))
        except SettingsError as exc:
            assert variable in str(exc)
    annotated = get_type_hints(Settings)[field.name]
    expected = tuple if get_origin(annotated) is tuple else annotated
    assert values
    assert all(isinstance(value, expected) for value in values)


def test_a_program_can_add_settings_of_its_own() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class More(Settings):
        pages: int = setting(whole_number, default=1)

    read = More.from_environment({"SR_PAGES": "3", "SR_MODEL": "quality"})
    assert (read.pages, read.model) == (3, "quality")
    with pytest.raises(SettingsError, match="SR_PAGES"):
        Settings.from_environment({"SR_PAGES": "3"})


def test_a_field_without_a_reader_is_noticed() -> None:
    @dataclasses.dataclass
    class Careless:
        count: int = 1

    with pytest.raises(KeyError):
        read_settings(Careless, {"SR_COUNT": "3"})
