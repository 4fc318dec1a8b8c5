"""The process's settings, read once from `SR_*` variables at an entry point."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path


class SettingsError(ValueError):
    """An unknown or bad `SR_*` variable; the message lists the known ones."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Field `max_side` is the variable `SR_MAX_SIDE`, and so on.

    Empty variables count as absent. Booleans are `1` or `0`; lists are separated by commas.
    """

    model: str = "fast"
    """The tier used when a request names none."""
    models_dir: Path | None = None
    """A folder with more networks and their own `manifest.json`."""
    max_body_bytes: int = 48 * 2**20
    """Largest request body; 48 MiB holds a 4096 x 4096 PNG of noise as base64 in most cases."""
    max_image_bytes: int = 32 * 2**20
    """Largest encoded picture, sent or fetched."""
    max_side: int = 4096
    """Longest side of an input picture, in pixels."""
    max_output_pixels: int = 16384 * 16384
    tile_size: int = 384
    """Side of a tile before its padding, in LR pixels."""
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Threads inside one network run."""
    providers: tuple[str, ...] = ("auto",)
    """ONNX Runtime execution providers in order; `auto` is CUDA when present, then CPU."""
    max_running: int = 1
    """Pictures worked on at a time."""
    max_queued: int = 8
    """Pictures waiting for their turn; one more is answered `busy`."""
    max_reply_bytes: int | None = None
    """Largest JSON answer of the transport; none for a plain server."""
    time_budget_seconds: float | None = None
    """Refuse what is estimated to take longer; none for a plain server."""
    source_timeout_seconds: float = 10.0
    """Whole time to fetch a `url`, redirects included."""
    max_fetches: int = 4
    """`url`s fetched at a time; one more is answered `busy`."""
    allow_web_sources: bool = True
    """Whether http and https addresses are fetched at all."""
    allow_private_sources: bool = False
    """Let `url` reach private addresses and any port: for tests and closed networks."""
    input_buckets: tuple[str, ...] = ()
    """S3 buckets that `url` may name."""
    results_bucket: str | None = None
    """S3 bucket for results too large to answer with."""
    result_link_seconds: int = 3600
    """How long a link into the results bucket works."""
    max_bytes_in_flight: int = 192 * 2**20
    """Bytes of all bodies that the server is receiving or working on."""
    max_connections: int = 512
    """Open connections; fewer where the system allows fewer open files."""
    client_connections: int = 128
    """Of one address."""
    client_requests_per_minute: int = 600
    """Of one address; more are answered `too_many_requests`."""
    client_pictures: int | None = None
    """Of one address, waiting and worked on; none is all places but one."""
    client_bytes_in_flight: int = 128 * 2**20
    """Of one address's bodies."""
    header_timeout_seconds: float = 10.0
    """Until a request's headers must be complete."""
    transfer_grace_seconds: float = 20.0
    """How long a body, in or out, may be slower than `min_bytes_per_second`."""
    min_bytes_per_second: int = 16_384
    """Slower senders and readers are not waited for."""
    server_token: str | None = field(default=None, repr=False)
    """What callers of the server must send as `Authorization: Bearer …`."""
    metrics: bool = False
    """Whether the server answers `GET /metrics`."""
    log_level: str = "INFO"
    log_format: str = "text"
    """`text`, or `json` for one JSON object a line."""
    slider: str = "builtin"
    """The page's comparison: `builtin`, or `juxtapose` for streamlit-image-comparison."""
    endpoint_url: str | None = None
    """A deployed endpoint that the page offers beside its own engine: an API's invoke URL."""
    endpoint_auth: str = "none"
    """How it lets callers in: `none`, `api_key`, or `iam` for AWS credentials that sign."""
    endpoint_api_key: str | None = field(default=None, repr=False)
    """With `api_key`, and with `iam` where an API wants both."""
    endpoint_region: str | None = None
    """For `iam`, where the address does not name it."""
    endpoint_max_body_bytes: int = 6_000_000
    """Largest request it takes: Lambda takes 6 MiB with everything around the body."""
    endpoint_timeout_seconds: float = 60.0
    """How long to wait for one answer; API Gateway itself gives up after 29 by default."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read `SR_*`; SettingsError for an unknown name or a value that does not fit."""
        given = os.environ if environment is None else environment
        known = {"SR_" + f.name.upper(): f.name for f in fields(cls)}
        unknown = sorted(n for n in given if n.startswith("SR_") and n not in known)
        if unknown:
            raise SettingsError(
                f"unknown setting {', '.join(unknown)}; known: {', '.join(sorted(known))}"
            )
        values = {
            name: _parse(variable, given[variable])
            for variable, name in known.items()
            if given.get(variable, "") != ""
        }
        return cls(**values)  # type: ignore[arg-type]


_AT_LEAST_ONE = {
    "SR_MAX_BODY_BYTES",
    "SR_MAX_IMAGE_BYTES",
    "SR_MAX_SIDE",
    "SR_MAX_OUTPUT_PIXELS",
    "SR_TILE_SIZE",
    "SR_THREADS",
    "SR_MAX_RUNNING",
    "SR_MAX_REPLY_BYTES",
    "SR_MAX_BYTES_IN_FLIGHT",
    "SR_MAX_FETCHES",
    "SR_MAX_CONNECTIONS",
    "SR_CLIENT_CONNECTIONS",
    "SR_CLIENT_REQUESTS_PER_MINUTE",
    "SR_CLIENT_PICTURES",
    "SR_CLIENT_BYTES_IN_FLIGHT",
    "SR_MIN_BYTES_PER_SECOND",
    "SR_RESULT_LINK_SECONDS",
    "SR_ENDPOINT_MAX_BODY_BYTES",
}
_SECONDS = {
    "SR_TIME_BUDGET_SECONDS",
    "SR_SOURCE_TIMEOUT_SECONDS",
    "SR_HEADER_TIMEOUT_SECONDS",
    "SR_TRANSFER_GRACE_SECONDS",
    "SR_ENDPOINT_TIMEOUT_SECONDS",
}
_BOOLEANS = ("SR_ALLOW_WEB_SOURCES", "SR_ALLOW_PRIVATE_SOURCES", "SR_METRICS")
_CHOICES = {
    "SR_LOG_LEVEL": ("DEBUG", "INFO", "WARNING", "ERROR"),
    "SR_SLIDER": ("builtin", "juxtapose"),
    "SR_ENDPOINT_AUTH": ("none", "api_key", "iam"),
    "SR_LOG_FORMAT": ("text", "json"),
    **dict.fromkeys(_BOOLEANS, ("0", "1")),
}


def _parse(variable: str, text: str) -> object:
    if variable in _CHOICES and text not in _CHOICES[variable]:
        raise SettingsError(f"{variable} is one of: {', '.join(_CHOICES[variable])}")
    if variable in _BOOLEANS:
        return text == "1"
    if variable in ("SR_PROVIDERS", "SR_INPUT_BUCKETS"):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if variable == "SR_MODELS_DIR":
        return Path(text)
    if variable in _AT_LEAST_ONE or variable == "SR_MAX_QUEUED":
        return _whole_number(variable, text)
    if variable in _SECONDS:
        return _seconds(variable, text)
    return text


def _whole_number(variable: str, text: str) -> int:
    least = 1 if variable in _AT_LEAST_ONE else 0
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise SettingsError(f"{variable} is a whole number of at least {least}, not '{text}'")
    return int(text)


def _seconds(variable: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise SettingsError(f"{variable} is a number of seconds above 0, not '{text}'")
    return seconds
