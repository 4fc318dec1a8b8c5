"""Settings of the process, read once from `SR_*` variables at an entry point.

Each setting is declared with the function that reads its text. `read_settings` works for any
dataclass of such fields, so that a program in front of the engine can add its own in a subclass.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

log = logging.getLogger("backend.settings")

PREFIX = "SR_"
PAGE_SETTINGS = (
    *("SR_ASK_SECONDS", "SR_KEEP_SECONDS", "SR_SLIDER", "SR_ENDPOINT_URL", "SR_ENDPOINT_AUTH"),
    *("SR_ENDPOINT_API_KEY", "SR_ENDPOINT_REGION", "SR_ENDPOINT_MAX_BODY_BYTES"),
    "SR_ENDPOINT_TIMEOUT_SECONDS",
)
"""The page's own variables: they may be set for all programs, and concern the others nothing."""

Reader = Callable[[str], object]
"""Called with a text that is not empty; SettingsError for a bad one continues `SR_MODEL …`."""
T = TypeVar("T")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(ValueError):
    """An unknown or bad `SR_*` variable; the message lists the known ones."""


def setting(read: Reader, **declaration: Any) -> Any:
    """Declare a dataclass field with its reader; `declaration` goes to `dataclasses.field`."""
    return dataclasses.field(metadata={"read": read}, **declaration)


def read_settings(cls: type[T], environment: Mapping[str, str]) -> T:
    """Read `SR_*` variables; raise SettingsError for an unknown name or a bad value.

    An empty variable counts as absent.
    """
    known = {PREFIX + each.name.upper(): each for each in dataclasses.fields(cls)}  # type: ignore[arg-type]
    if unknown := unknown_names(cls, environment):
        from difflib import get_close_matches  # noqa: PLC0415 - costs a start that goes well

        meant = get_close_matches(unknown[0], known, n=1)
        hint = f"; did you mean {meant[0]}?" if meant else ""
        raise SettingsError(
            f"unknown setting {', '.join(unknown)}; known: {', '.join(sorted(known))}{hint}"
        )
    values = {}
    for variable, each in known.items():
        if given := environment.get(variable):
            try:
                values[each.name] = each.metadata["read"](given)
            except SettingsError as exc:
                raise SettingsError(f"{variable} {exc}") from exc
    return cls(**values)


def unknown_names(cls: type[Any], environment: Mapping[str, str]) -> list[str]:
    """Return the `SR_*` variables that neither `cls` nor the page has a setting for."""
    known = {*PAGE_SETTINGS, *(PREFIX + each.name.upper() for each in dataclasses.fields(cls))}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def words(given: str) -> tuple[str, ...]:
    """Split a list at its commas."""
    return tuple(part.strip() for part in given.split(",") if part.strip())


def networks(given: str) -> tuple[Network, ...]:
    """Read IP addresses and networks in CIDR notation, separated by commas."""
    try:
        return tuple(ipaddress.ip_network(word) for word in words(given))
    except ValueError as exc:
        raise SettingsError(
            f"is a list of IP addresses and networks like 10.0.0.0/8, not '{given}'"
        ) from exc


def one_of(*choices: str) -> Reader:
    """Return a reader that accepts one of `choices`."""

    def read(given: str) -> str:
        if given not in choices:
            raise SettingsError(f"is one of: {', '.join(choices)}")
        return given

    return read


def flag(given: str) -> bool:
    """Read `1` or `0`."""
    return one_of("0", "1")(given) == "1"


def whole_number(given: str, *, least: int = 1) -> int:
    """Read decimal digits."""
    if not given.isascii() or not given.isdigit() or int(given) < least:
        raise SettingsError(f"is a whole number of at least {least}, not '{given}'")
    return int(given)


def seconds(given: str) -> float:
    """Read a finite number above 0."""
    try:
        number = float(given)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise SettingsError(f"is a number of seconds above 0, not '{given}'")
    return number


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The engine's settings; field `max_side` is the variable `SR_MAX_SIDE`, and so on."""

    model: str = setting(str, default="fast")
    """The tier used when a request names none."""
    models_dir: Path | None = setting(Path, default=None)
    """A folder with more networks and their own `manifest.json`; see `from_environment`."""
    max_body_bytes: int = setting(whole_number, default=48 * 2**20)
    """Largest request body; 48 MiB holds a 4096 x 4096 PNG of noise as base64 in most cases."""
    max_image_bytes: int = setting(whole_number, default=32 * 2**20)
    """Largest encoded picture, sent or fetched."""
    max_side: int = setting(whole_number, default=4096)
    """Longest side of an input picture, in pixels."""
    max_output_pixels: int = setting(whole_number, default=16384 * 16384)
    tile_size: int = setting(whole_number, default=384)
    """Side of a tile before its padding, in LR pixels."""
    threads: int = setting(whole_number, default_factory=lambda: os.cpu_count() or 1)
    """Threads inside one network run."""
    providers: tuple[str, ...] = setting(words, default=("auto",))
    """ONNX Runtime execution providers in order; `auto` is CUDA when present, then CPU."""
    runtime: str = setting(one_of("auto", "onnxruntime", "openvino"), default="auto")
    """Runs the ONNX networks; `auto` is OpenVINO where it is installed and gains speed."""
    max_running: int = setting(whole_number, default=1)
    """Tiles that run at a time, each of another picture."""
    max_queued: int = setting(partial(whole_number, least=0), default=8)
    """Further pictures that take turns; one more is answered `busy`."""
    max_reply_bytes: int | None = setting(whole_number, default=None)
    """Largest JSON answer of the transport; none for a plain server."""
    time_budget_seconds: float | None = setting(seconds, default=None)
    """Refuse what is estimated to take longer; none for a plain server."""
    source_timeout_seconds: float = setting(seconds, default=10.0)
    """Whole time to fetch a `url`, redirects included."""
    max_fetches: int = setting(whole_number, default=4)
    """`url`s fetched at a time; one more is answered `busy`."""
    allow_web_sources: bool = setting(flag, default=True)
    """Allow http and https addresses in `url`."""
    allow_private_sources: bool = setting(flag, default=False)
    """Let `url` reach private addresses and any port, for tests and closed networks."""
    input_buckets: tuple[str, ...] = setting(words, default=())
    """S3 buckets that `url` may name."""
    results_bucket: str | None = setting(str, default=None)
    """S3 bucket for results too large to answer with."""
    result_link_seconds: int = setting(whole_number, default=3600)
    """Lifetime of a link into the results bucket."""
    max_bytes_in_flight: int = setting(whole_number, default=192 * 2**20)
    """Bytes of all bodies that the server is receiving or working on."""
    max_connections: int = setting(whole_number, default=512)
    """Largest number of open connections; fewer if the system allows fewer open files."""
    client_connections: int = setting(whole_number, default=128)
    """Largest number of open connections of one address."""
    client_requests_per_minute: int = setting(whole_number, default=600)
    """Requests a minute of one address; more are answered `too_many_requests`."""
    client_pictures: int | None = setting(whole_number, default=None)
    """Pictures of one address, waiting and running; by default all places but one."""
    client_bytes_in_flight: int = setting(whole_number, default=128 * 2**20)
    """Bytes of the bodies that one address is sending."""
    trusted_proxies: tuple[Network, ...] = setting(networks, default=())
    """The proxies whose `X-Forwarded-For` names the client; without one, the header is ignored."""
    header_timeout_seconds: float = setting(seconds, default=10.0)
    """Time within which a request's headers must be complete."""
    transfer_grace_seconds: float = setting(seconds, default=20.0)
    """Time during which a body, in or out, may be slower than `min_bytes_per_second`."""
    min_bytes_per_second: int = setting(whole_number, default=16_384)
    """Slowest accepted rate of senders and readers."""
    server_token: str | None = setting(str, default=None, repr=False)
    """The token that callers must send as `Authorization: Bearer …`."""
    metrics: bool = setting(flag, default=False)
    """Answer `GET /metrics`."""
    metrics_stack: str | None = setting(str, default=None)
    """Name under which a function on AWS writes metrics into its log; empty means none."""
    log_level: str = setting(one_of("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")
    log_format: str = setting(one_of("text", "json"), default="text")
    """`text`, or `json` for one JSON object a line."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the settings from `environment`, by default this process's.

        Without `SR_MODELS_DIR`, `models_dir` is the user's own folder if it exists.
        """
        given = os.environ if environment is None else environment
        settings = read_settings(cls, given)
        folder = user_models_dir(given)
        if settings.models_dir is None and folder is not None and _is_open_folder(folder):
            return dataclasses.replace(settings, models_dir=folder)
        return settings

    @classmethod
    def from_deployment(cls) -> Self:
        """Read this process's environment as its template set it; unknown names are only logged.

        A template may be newer than its code, and a function that cannot start would answer nobody.
        """
        unknown = unknown_names(cls, os.environ)
        for name in unknown:
            log.warning("the setting %s is unknown and has no effect", name)
        return cls.from_environment({k: v for k, v in os.environ.items() if k not in unknown})


def _is_open_folder(path: Path) -> bool:
    """Return whether the folder exists and is accessible: a home may be closed to this process."""
    try:
        return path.is_dir() and os.access(path, os.R_OK | os.X_OK)
    except OSError:
        return False


def user_models_dir(environment: Mapping[str, str]) -> Path | None:
    """Return the folder of a user's own models, or None without a home folder.

    It is `~/.local/share/super-resolution/models`, as the XDG Base Directory Specification has it,
    and on Windows `%LOCALAPPDATA%\\super-resolution\\models`.
    """
    for variable, below in (("XDG_DATA_HOME", ""), ("LOCALAPPDATA", ""), ("HOME", ".local/share")):
        folder = Path(environment.get(variable, ""))
        if folder.is_absolute():
            return folder / below / "super-resolution" / "models"
    return None
