"""Settings come from the environment once, and wrong ones stop the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend import Settings, SettingsError


def test_absent_and_empty_variables_leave_the_defaults() -> None:
    assert Settings.from_environment({"SR_MODEL": "", "HOME": "/"}) == Settings()


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
    with pytest.raises(SettingsError, match=r"SR_TILESIZE.*SR_TILE_SIZE"):
        Settings.from_environment({"SR_TILESIZE": "128"})


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
        ("SR_SLIDER", "magic"),
        ("SR_ALLOW_PRIVATE_SOURCES", "yes"),
    ],
)
def test_a_bad_value_is_named(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        Settings.from_environment({variable: value})
