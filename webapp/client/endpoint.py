"""The endpoint's address and authorization, checked when the page starts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from backend import SettingsError

_API_GATEWAY = re.compile(
    r"[a-z0-9-]+\.execute-api\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?P<china>\.cn)?"
)
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PATHS = ("resolution", "invocations")
"""The last segments of a complete address."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An address that accepts pictures."""

    url: str
    signs: bool
    """True if requests are signed with AWS credentials, Signature Version 4."""
    region: str | None
    api_key: str | None = field(default=None, repr=False)
    max_body_bytes: int
    timeout_seconds: float

    @property
    def is_encrypted(self) -> bool:
        """True if nobody on the way can read what is sent."""
        return self.url.startswith("https:")


def parse_endpoint(
    url: str,
    *,
    auth: str,
    api_key: str | None,
    region: str | None,
    max_body_bytes: int,
    timeout_seconds: float,
) -> Endpoint:
    """Read an invoke URL; raise SettingsError, which never quotes it, for wrong settings."""
    signs = auth == "iam"
    region = _region(url, explicit=region)
    if signs and region is None:
        raise SettingsError(
            "SR_ENDPOINT_REGION is needed: SR_ENDPOINT_URL names no AWS region, and requests are "
            "signed for one"
        )
    if auth == "api_key" and api_key is None:
        raise SettingsError("SR_ENDPOINT_API_KEY is missing, and SR_ENDPOINT_AUTH is api_key")
    if auth == "none" and api_key is not None:
        raise SettingsError("SR_ENDPOINT_AUTH is api_key or iam when SR_ENDPOINT_API_KEY is set")
    if api_key is not None and not re.fullmatch(r"[!-~]+", api_key):
        raise SettingsError("SR_ENDPOINT_API_KEY has a character that no API key has")
    return Endpoint(
        url=_complete(url, carries_secrets=signs or api_key is not None),
        signs=signs,
        region=region,
        api_key=api_key,
        max_body_bytes=max_body_bytes,
        timeout_seconds=timeout_seconds,
    )


def _complete(given: str, *, carries_secrets: bool) -> str:
    """Add `/resolution` to `https://ID.execute-api.REGION.amazonaws.com/prod`."""
    try:
        parts = urlsplit(given)
        host = parts.hostname
        has_good_port = parts.port != 0
    except ValueError:
        host, has_good_port = None, False
    if not host or not has_good_port or parts.scheme not in ("http", "https"):
        raise SettingsError("SR_ENDPOINT_URL is an address that starts with https://")
    if parts.username is not None or parts.query or parts.fragment or re.search(r"\s", given):
        raise SettingsError("SR_ENDPOINT_URL has no user name, no '?', no '#' and no spaces")
    if parts.scheme == "http" and carries_secrets and host not in _LOOPBACK:
        raise SettingsError(
            "SR_ENDPOINT_URL starts with https:// when an API key or a signature is sent"
        )
    steps = [step for step in parts.path.split("/") if step]
    if not steps and _API_GATEWAY.fullmatch(host):
        raise SettingsError("SR_ENDPOINT_URL names the API's stage, as in …amazonaws.com/prod")
    if len(steps) < 2 and not (steps and steps[-1].endswith(_PATHS)):
        steps.append("resolution")
    return f"{parts.scheme}://{parts.netloc}/{'/'.join(steps)}"


def _region(given: str, *, explicit: str | None) -> str | None:
    try:
        match = _API_GATEWAY.fullmatch(urlsplit(given).hostname or "")
    except ValueError:
        match = None
    if explicit is not None and not _REGION.fullmatch(explicit):
        raise SettingsError("SR_ENDPOINT_REGION is a region's code, as in eu-west-1")
    if match is None:
        return explicit
    region = match["region"]
    if not _REGION.fullmatch(region) or region.startswith("cn-") != bool(match["china"]):
        raise SettingsError(
            "SR_ENDPOINT_URL names a region that does not exist there: those in China, and only "
            "those, end with .amazonaws.com.cn"
        )
    if explicit not in (None, region):
        raise SettingsError("SR_ENDPOINT_REGION is another region than that of SR_ENDPOINT_URL")
    return region
