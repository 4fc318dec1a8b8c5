"""The section `[endpoint]` of `.streamlit/secrets.toml` beside the environment.

    [endpoint]
    url = "https://abcde12345.execute-api.eu-west-1.amazonaws.com/prod"
    auth = "api_key"        # none (default), api_key or iam
    api_key = "…"           # goes with api_key, and with iam where the API asks for both
    region = "eu-west-1"    # only where the address does not name it and auth is iam

Each name is the variable `SR_ENDPOINT_…`; where both are set, the environment's is taken. AWS
credentials are in neither: boto3's standard chain finds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import streamlit as st

from backend import Settings, SettingsError

PREFIX = "endpoint_"


def with_secrets(environment: Mapping[str, str], section: Mapping[str, object]) -> dict[str, str]:
    """The variables for `Settings.from_environment`; SettingsError for an unknown name."""
    names = [each.name for each in fields(Settings)]
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
    """What the file says; nothing when there is none, SettingsError when it cannot be read."""
    if not st.secrets.load_if_toml_exists():
        if any(Path(each).is_file() for each in st.get_option("secrets.files")):
            raise SettingsError(".streamlit/secrets.toml cannot be read")
        return {}
    section = st.secrets.get("endpoint", {})
    if not isinstance(section, Mapping):
        raise SettingsError("'endpoint' in secrets.toml is a section: [endpoint]")
    return section
