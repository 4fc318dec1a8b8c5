"""The configuration of an endpoint, and its errors before the page starts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from backend import SettingsError
from webapp.client.endpoint import Endpoint
from webapp.settings import PageSettings, endpoint_section, with_secrets

INVOKE_URL = "https://abcde12345.execute-api.eu-west-1.amazonaws.com/prod"
CHINA = "https://abcde12345.execute-api.cn-north-1.amazonaws.com.cn/prod/resolution"


def configured(url: str, **settings: object) -> Endpoint:
    found = PageSettings(endpoint_url=url, **settings).endpoint  # type: ignore[arg-type]
    assert found is not None
    return found


def test_without_an_address_there_is_no_endpoint() -> None:
    assert PageSettings().endpoint is None


@pytest.mark.parametrize(
    ("given", "complete"),
    [
        (INVOKE_URL, f"{INVOKE_URL}/resolution"),
        (f"{INVOKE_URL}/", f"{INVOKE_URL}/resolution"),
        (f"{INVOKE_URL}/resolution", f"{INVOKE_URL}/resolution"),
        (f"{INVOKE_URL}/resolution/", f"{INVOKE_URL}/resolution"),
        (f"{INVOKE_URL}/image-super-resolution", f"{INVOKE_URL}/image-super-resolution"),
        (CHINA, CHINA),
        ("https://sharp.example.com", "https://sharp.example.com/resolution"),
        ("https://sharp.example.com/v1", "https://sharp.example.com/v1/resolution"),
        ("http://127.0.0.1:8080/invocations", "http://127.0.0.1:8080/invocations"),
    ],
)
def test_the_address_is_completed(given: str, complete: str) -> None:
    assert configured(given).url == complete


@pytest.mark.parametrize(
    ("url", "region"),
    [(INVOKE_URL, "eu-west-1"), (CHINA, "cn-north-1"), ("https://sharp.example.com", None)],
)
def test_the_region_is_found_in_the_address(url: str, region: str | None) -> None:
    assert configured(url).region == region


def test_a_private_apis_address_has_its_region_too() -> None:
    url = "https://abcde12345-vpce-0123456789abcdef0.execute-api.us-gov-west-1.amazonaws.com/prod"

    assert configured(url, endpoint_auth="iam").region == "us-gov-west-1"


def test_an_own_domain_needs_its_region_to_sign() -> None:
    with pytest.raises(SettingsError, match="SR_ENDPOINT_REGION is needed"):
        configured("https://sharp.example.com", endpoint_auth="iam")

    own = configured(
        "https://sharp.example.com", endpoint_auth="iam", endpoint_region="ap-southeast-2"
    )
    assert (own.signs, own.region) == (True, "ap-southeast-2")


@pytest.mark.parametrize(
    "url",
    [
        "abcde12345.execute-api.eu-west-1.amazonaws.com/prod",
        "ftp://example.com/prod",
        "https://",
        "https://[::1/prod",
        "https://example.com:99999/prod",
        "https://user:password@example.com/prod",
        f"{INVOKE_URL}?key=secret",
        f"{INVOKE_URL}#there",
        f"{INVOKE_URL} ",
        "https://abcde12345.execute-api.eu-west-1.amazonaws.com",
        "https://abcde12345.execute-api.eu-west-1.amazonaws.com.cn/prod",
        "https://abcde12345.execute-api.cn-north-1.amazonaws.com/prod",
    ],
)
def test_a_wrong_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError, match="SR_ENDPOINT_URL") as caught:
        configured(url)

    assert "secret" not in str(caught.value)
    assert "password" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "variable"),
    [
        ({"endpoint_auth": "api_key"}, "SR_ENDPOINT_API_KEY"),
        ({"endpoint_api_key": "s3cret"}, "SR_ENDPOINT_AUTH"),
        ({"endpoint_auth": "api_key", "endpoint_api_key": "s3cret\n"}, "SR_ENDPOINT_API_KEY"),
        ({"endpoint_region": "europe"}, "SR_ENDPOINT_REGION"),
        ({"endpoint_region": "us-east-1"}, "SR_ENDPOINT_REGION"),
    ],
)
def test_settings_that_contradict_are_refused(settings: dict[str, str], variable: str) -> None:
    with pytest.raises(SettingsError, match=variable) as caught:
        configured(INVOKE_URL, **settings)

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "settings", [{"endpoint_auth": "iam"}, {"endpoint_api_key": "s3cret"}], ids=["auth", "key"]
)
def test_an_endpoint_without_its_address_is_refused(settings: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="SR_ENDPOINT_URL is missing"):
        _ = PageSettings(**settings).endpoint  # type: ignore[arg-type]


def test_secrets_go_only_over_encrypted_lines_or_within_this_machine() -> None:
    key = {"endpoint_auth": "api_key", "endpoint_api_key": "s3cret"}
    with pytest.raises(SettingsError, match="https"):
        configured("http://sharp.example.com", **key)

    assert configured("http://127.0.0.1:8080", **key).api_key == "s3cret"
    assert not configured("http://sharp.example.com").is_encrypted


def test_the_key_is_in_no_printed_form() -> None:
    settings = PageSettings(
        endpoint_url=INVOKE_URL, endpoint_auth="api_key", endpoint_api_key="s3cret"
    )

    assert "s3cret" not in repr(settings)
    assert "s3cret" not in repr(settings.endpoint)


def test_an_api_may_want_a_signature_and_a_key() -> None:
    both = configured(INVOKE_URL, endpoint_auth="iam", endpoint_api_key="s3cret")

    assert (both.signs, both.api_key) == (True, "s3cret")


def test_the_environment_wins_over_the_file() -> None:
    merged = with_secrets(
        {"SR_ENDPOINT_AUTH": "iam", "SR_ENDPOINT_REGION": "", "SR_MODEL": "fast"},
        {"url": INVOKE_URL, "auth": "none", "region": "eu-west-1", "timeout_seconds": 45},
    )

    settings = PageSettings.from_environment(merged)
    assert settings.endpoint_url == INVOKE_URL
    assert settings.endpoint_auth == "iam"
    assert settings.endpoint_region == "eu-west-1"
    assert settings.endpoint_timeout_seconds == 45


@pytest.mark.parametrize(
    ("variable", "value"),
    [("SR_SLIDER", "magic"), ("SR_ENDPOINT_AUTH", "open"), ("SR_ENDPOINT_MAX_BODY_BYTES", "0")],
)
def test_a_bad_value_of_the_page_is_named(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        PageSettings.from_environment({variable: value})


def test_an_unknown_name_in_the_file_lists_the_known() -> None:
    with pytest.raises(SettingsError, match=r"adress.*api_key, auth, .*url"):
        with_secrets({}, {"adress": INVOKE_URL})


@pytest.fixture
def secrets_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The place of Streamlit's secrets, within this test."""
    before = st.get_option("secrets.files")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    file = tmp_path / ".streamlit" / "secrets.toml"
    file.parent.mkdir()
    st._config.set_option("secrets.files", [str(file)])
    st.secrets._reset()
    yield file
    st.secrets._reset()
    st._config.set_option("secrets.files", before)


def test_the_files_section_is_read(secrets_file: Path) -> None:
    secrets_file.write_text(f'[endpoint]\nurl = "{INVOKE_URL}"\nauth = "iam"\n')

    assert dict(endpoint_section()) == {"url": INVOKE_URL, "auth": "iam"}


def test_no_file_and_no_section_are_no_endpoint(secrets_file: Path) -> None:
    assert endpoint_section() == {}
    secrets_file.write_text('[other]\nname = "x"\n')
    assert endpoint_section() == {}


@pytest.mark.parametrize("text", ["[endpoint\n", 'endpoint = "https://example.com"\n'])
def test_a_file_that_cannot_be_read_is_said(secrets_file: Path, text: str) -> None:
    secrets_file.write_text(text)

    with pytest.raises(SettingsError, match=r"secrets\.toml"):
        endpoint_section()
