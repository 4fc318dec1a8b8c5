"""Many pictures from one place to another; each result is written once and whole.

Nothing here knows a queue, a cluster or a cloud. `work` does one picture; its callers (the command
line, AWS Step Functions, Ray Data) choose which, and how many at a time.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Protocol, TypeVar

from backend.bulk.store import Item, Store, Stores
from backend.engine import Engine, Watch
from backend.errors import (
    CancelledError,
    InferenceError,
    JsonValue,
    SourceNotFoundError,
    SuperResolutionError,
)
from backend.images.formats import FORMATS, INPUT_FORMATS, JPEG, PNG, WEBP, FileFormat
from backend.images.photo_or_drawing import WEIGHTS_FILE
from backend.logs import cause_in_words
from backend.models.registry import OTHER_PICTURES, Registry
from backend.options import AUTO, UpscaleOptions, fields_from
from backend.settings import Settings

log = logging.getLogger("backend.bulk")

DONE, SKIPPED, FAILED, FAULT = "done", "skipped", "failed", "fault"
FAILURES = "_failed"
"""A folder in the target with one JSON file for each picture that cannot be upscaled."""
SOURCE, NETWORK, OPTIONS = "source", "network", "options"
"""Metadata of a result: the version of its source, the model and the options."""
SIGNAL_SECONDS = 0.2
"""The longest wait without a look, after which Windows handles Ctrl-C."""
PICTURE_STATUSES = (404, 413, 415, 422)
"""Statuses of errors that the picture caused: gone, too large, of unknown format, or damaged."""


class Keyed(Protocol):
    """An item that is worked on alone and reported by its key."""

    @property
    def key(self) -> str: ...


T = TypeVar("T", bound=Keyed)


@dataclass(frozen=True, kw_only=True)
class Job:
    """The work that is done on every picture."""

    engine: Engine
    options: UpscaleOptions
    """The options, with a model's name."""
    network: str
    """The sha256 of the network, or of all networks that `auto` chooses from."""
    max_bytes: int
    """Largest encoded picture."""

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata of every result, beside the version of its source."""
        given = json.dumps(fields_from(self.options), sort_keys=True)
        return {NETWORK: self.network, OPTIONS: given}


@dataclass(frozen=True, kw_only=True)
class Result:
    """The outcome of one picture."""

    key: str
    outcome: str
    """`done`, `skipped`, `failed`, or `fault` if the picture is not the cause."""
    pixels: int = 0
    """Pixels of the input, if it was upscaled."""
    error: str | None = None
    """The code."""
    message: str | None = None
    details: Mapping[str, JsonValue] = field(default_factory=dict)
    """The error's."""
    line: str = ""
    """A done picture's line for people, if any."""
    notes: tuple[str, ...] = ()
    """See `Upscaled`."""

    @classmethod
    def without(cls, key: str, error: SuperResolutionError, *, outcome: str) -> Result:
        """Return the outcome of a picture that has no result."""
        return cls(
            key=key, outcome=outcome, error=error.code, message=error.message, details=error.details
        )


def make_job(
    engine: Engine, registry: Registry, options: UpscaleOptions, settings: Settings
) -> Job:
    """Return the job; raise RequestError once, before any picture, if no model can do it."""
    options = replace(options, model=options.model or settings.model)
    return Job(
        engine=engine,
        options=options,
        network=_network_sha256(registry, options),
        max_bytes=settings.max_image_bytes,
    )


def work(item: Item, job: Job, stores: Stores, *, watch: Watch = Watch()) -> Result:
    """Work on one picture: `done`, `skipped` if its result exists, or `failed`.

    The reason of a failure is written to `_failed/KEY.json`. Errors that the picture did not cause
    are raised, and the picture can be tried again.
    """
    watch.check()
    if item.problem is not None:
        return _failed(item, SourceNotFoundError(item.problem), job, stores.target)
    file_format = result_format(item.key, job.options.format)
    target_key = result_key(item.key, file_format)
    known = _source_version(stores.target.head(target_key), job)
    if known is not None and known == item.version:
        return Result(key=item.key, outcome=SKIPPED)
    options = replace(job.options, format=file_format.name)
    try:
        content = stores.source.read(item.key, max_bytes=job.max_bytes, unless=known)
        if content is None:
            return Result(key=item.key, outcome=SKIPPED)
        result = job.engine.upscale(content.data, options, watch=watch)
    except SuperResolutionError as exc:
        if exc.status not in PICTURE_STATUSES:
            raise
        return _failed(item, exc, job, stores.target)
    if result.link is not None:
        raise InferenceError("The engine answered with a link in place of the picture.")
    stores.target.write(
        target_key,
        result.data,
        media_type=file_format.media_type,
        metadata={**job.metadata, SOURCE: content.version},
    )
    width, height = result.lr_size
    return Result(key=item.key, outcome=DONE, pixels=width * height, notes=result.notes)


def work_all(
    items: Iterable[T], work_one: Callable[[T], Result], *, at_once: int
) -> Iterator[Result]:
    """Yield results in the order in which they end; what `work_one` raises becomes a `fault`.

    Cancelled pictures are left out. With `at_once` pictures in hand, decoding, tiles, encoding and
    transfers overlap.
    """
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="bulk")
    pending: list[Future[Result | None]] = []
    try:
        for item in items:
            pending.append(pool.submit(_without_raising, work_one, item))
            if len(pending) >= 2 * at_once:
                yield from _ended(pending)
        while pending:
            yield from _ended(pending)
    finally:
        pool.shutdown(cancel_futures=True)


def result_format(key: str, requested: str) -> FileFormat:
    """Return the format; `auto` follows the key, as no picture has been read yet.

    A lossy format stays lossy, and one with transparency keeps it.
    """
    if requested != AUTO:
        return FORMATS[requested]
    source = INPUT_FORMATS.get(PurePosixPath(key).suffix.lower(), PNG)
    if source.is_lossless:
        return PNG
    return WEBP if source.has_alpha else JPEG


def result_key(key: str, file_format: FileFormat) -> str:
    """Return the result's key: the source's, with the right ending appended if needed.

    Keys are unique: `a.bmp` becomes `a.bmp.png`, so a source named `a.bmp.png` becomes
    `a.bmp.png.png`.
    """
    path = PurePosixPath(key)
    has_two = PurePosixPath(path.stem).suffix.lower() in INPUT_FORMATS
    if path.suffix.lower() in file_format.suffixes and not has_two:
        return key
    return key + file_format.suffix


def in_shard(key: str, *, number: int, count: int) -> bool:
    """Return whether a key belongs to this shard; each belongs to exactly one of 1 to `count`."""
    digest = hashlib.blake2b(key.encode(errors="surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % count == number - 1


def _source_version(metadata: Mapping[str, str] | None, job: Job) -> str | None:
    """Return the source's version if this job would make the same result from it."""
    if metadata is None or any(metadata.get(name) != job.metadata[name] for name in job.metadata):
        return None
    return metadata.get(SOURCE)


def _failed(item: Item, error: SuperResolutionError, job: Job, target: Store) -> Result:
    about = {
        "key": item.key,
        "error": error.code,
        "message": error.message,
        "details": error.details,
        SOURCE: item.version,
        **job.metadata,
    }
    target.write(
        f"{FAILURES}/{item.key}.json",
        (json.dumps(about, indent=2) + "\n").encode(),
        media_type="application/json",
    )
    return Result.without(item.key, error, outcome=FAILED)


def _without_raising(work_one: Callable[[T], Result], item: T) -> Result | None:
    try:
        return work_one(item)
    except CancelledError:
        return None
    except SuperResolutionError as exc:
        if exc.__cause__ is not None:
            log.warning("cause of %s: %s", exc.code, cause_in_words(exc.__cause__))
        return Result.without(item.key, exc, outcome=FAULT)
    except Exception as exc:
        log.error("unexpected failure of a picture", exc_info=exc)
        return Result.without(item.key, SuperResolutionError(), outcome=FAULT)


def _ended(pending: list[Future[Result | None]]) -> Iterator[Result]:
    """Wait until some have ended, remove them and yield their results, the earliest first."""
    while not wait(pending, timeout=SIGNAL_SECONDS, return_when=FIRST_COMPLETED).done:
        pass
    ended = [future for future in pending if future.done()]
    pending[:] = [future for future in pending if future not in ended]
    for future in ended:
        result = future.result()
        if result is not None:
            yield result


def _network_sha256(registry: Registry, options: UpscaleOptions) -> str:
    """Return the file's sha256, or the sha256 of the joined digests."""
    model = options.model or ""
    spec = registry.find(name=model, scale=options.scale).with_detail(options.detail)
    paths = list(spec.paths)
    if model == AUTO:
        paths += registry.find(name=OTHER_PICTURES, scale=options.scale).paths
        paths.append(WEIGHTS_FILE)
    try:
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    except OSError as exc:
        raise spec.error("is not installed") from exc
    return (
        digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    )
