"""The settings of the page: those of the engine, and those that only the page has.

An endpoint can also be configured in the section `[endpoint]` of `.streamlit/secrets.toml`:

    [endpoint]
    url = "https://abcde12345.execute-api.eu-west-1.amazonaws.com/prod"
    auth = "api_key"        # none (default), api_key or iam
    api_key = "…"           # with api_key, and with iam where the API asks for both
    region = "eu-west-1"    # for iam, where the address does not name the region

Each name is the variable `SR_ENDPOINT_…`; where both are set, the environment wins. AWS
credentials belong in neither: boto3's standard chain finds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

import streamlit as st

from backend import Settings, SettingsError
from backend.options import AUTO
from backend.settings import one_of, seconds, setting, whole_number
from webapp.client.endpoint import Endpoint, parse_endpoint

PREFIX = "endpoint_"
SliderKind = Literal["builtin", "juxtapose"]


@dataclass(frozen=True, kw_only=True)
class PageSettings(Settings):
    """The engine's settings and the page's own."""

    model: str = setting(str, default=AUTO)
    """The tier until a visitor chooses, if it exists."""
    ask_seconds: float = setting(seconds, default=120.0)
    """Longer work begins only when a visitor asks for it."""
    keep_seconds: float = setting(seconds, default=120.0)
    """Seconds after which a tab that is away is forgotten, with its work, pictures and results."""
    slider: SliderKind = setting(one_of(*get_args(SliderKind)), default="builtin")
    """The comparison: `builtin`, or `juxtapose` for streamlit-image-comparison."""
    endpoint_url: str | None = setting(str, default=None)
    """A deployed endpoint that the page offers in addition to its own engine: an invoke URL."""
    endpoint_auth: str = setting(one_of("none", "api_key", "iam"), default="none")
    """Authorization of calls: `none`, `api_key`, or `iam` for AWS credentials that sign."""
    endpoint_api_key: str | None = setting(str, default=None, repr=False)
    """The key for `api_key`, and for `iam` if an API wants both."""
    endpoint_region: str | None = setting(str, default=None)
    """The region for `iam`, if the address does not name it."""
    endpoint_max_body_bytes: int = setting(whole_number, default=6_000_000)
    """Largest request it takes: Lambda takes 6 MiB with everything around the body."""
    endpoint_timeout_seconds: float = setting(seconds, default=60.0)
    """Seconds to wait for one answer; API Gateway gives up after 29 by default."""

    @property
    def endpoint(self) -> Endpoint | None:
        """None if no address is set; raise SettingsError, without the address, for a wrong one."""
        if self.endpoint_url is None:
            if self.endpoint_auth != "none" or self.endpoint_api_key is not None:
                raise SettingsError(
                    "SR_ENDPOINT_URL is missing, and other SR_ENDPOINT_ settings are set"
                )
            return None
        return parse_endpoint(
            self.endpoint_url,
            auth=self.endpoint_auth,
            api_key=self.endpoint_api_key,
            region=self.endpoint_region,
            max_body_bytes=self.endpoint_max_body_bytes,
            timeout_seconds=self.endpoint_timeout_seconds,
        )


def page_settings(environment: Mapping[str, str]) -> PageSettings:
    """Read the environment, and the endpoint's settings from `secrets.toml` too."""
    return PageSettings.from_environment(with_secrets(environment, endpoint_section()))


def with_secrets(environment: Mapping[str, str], section: Mapping[str, object]) -> dict[str, str]:
    """Add secrets to the variables; raise SettingsError for an unknown name."""
    names = [each.name for each in fields(PageSettings)]
    known = [name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)]
    unknown = sorted(name for name in section if name not in known)
    if unknown:
        raise SettingsError(
            f"unknown name {', '.join(unknown)} in [endpoint] of secrets.toml; "
            f"known: {', '.join(sorted(known))}"
        )
    secrets = {f"SR_{PREFIX}{name}".upper(): str(value) for name, value in section.items()}
    return secrets | {name: text for name, text in environment.items() if text != ""}


def endpoint_section() -> Mapping[str, object]:
    """Read the section, empty without a file; raise SettingsError if it cannot be read."""
    if not st.secrets.load_if_toml_exists():
        if any(Path(each).is_file() for each in st.get_option("secrets.files")):
            raise SettingsError(".streamlit/secrets.toml cannot be read")
        return {}
    section = st.secrets.get("endpoint", {})
    if not isinstance(section, Mapping):
        raise SettingsError("'endpoint' in secrets.toml is a section: [endpoint]")
    return section
