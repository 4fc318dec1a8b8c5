"""The composition of the page: made once a process, from the settings."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache, partial
from weakref import WeakValueDictionary

from anyio import CapacityLimiter
from streamlit import runtime

from backend.factory import create_engine, decoder
from backend.inference.local_engine import LocalEngine
from backend.logs import write_logs
from backend.requests.sources.any_source import AnySource
from webapp.base.files import Disk
from webapp.base.gate import Gate
from webapp.client.remote import RemoteEngine
from webapp.intake import state as intake
from webapp.intake.samples import samples
from webapp.options import state as options
from webapp.result.downloads import EncodingLimits
from webapp.result.zoom import DecodedPictures
from webapp.settings import PageSettings, page_settings
from webapp.shared import Shared
from webapp.tabs import Tab, Tabs
from webapp.work import state as work
from webapp.work.enhance import EnhanceRequest
from webapp.work.jobs import Jobs
from webapp.work.progress import SavingPace

DISK_BYTES = 8 * 2**30
"""The size of all uploads and results together."""
MAX_CLOUD_JOBS = 4
"""Concurrent jobs in the cloud, which only wait for an answer."""
MAX_LOCAL_JOBS = 64
"""Concurrent jobs on this computer; they take turns, tile by tile."""
MAX_QUEUED = 200
"""Jobs of all visitors together; a queued visitor keeps the place."""
MAX_IN_HAND = 2 * MAX_LOCAL_JOBS
"""Jobs and first looks that the engine may have at a time."""
MAX_INSPECTIONS = 64
MAX_LINKS = 64
"""Links of all visitors that are fetched at a time."""
SWEEP_SECONDS = 5.0
STOP_SECONDS = 8.0
"""Seconds for the steps at work when the server stops; Docker kills after 10."""


@cache
def shared_by_all() -> Shared:
    """Make the process's one; raise SettingsError or ModelError if it cannot be made."""
    settings = page_settings(os.environ)
    write_logs(settings)
    engine = create_engine(replace(settings, max_queued=MAX_IN_HAND))
    endpoint = settings.endpoint
    cloud = None
    if endpoint is not None:
        # The endpoint's networks are unknown without asking, so the local names are offered.
        cloud = RemoteEngine(
            endpoint,
            models=engine.models,
            details=engine.details,
            max_side=settings.max_side,
        )
    return create_shared(settings, engine=engine, cloud=cloud)


def create_shared(
    settings: PageSettings,
    *,
    engine: LocalEngine,
    cloud: RemoteEngine | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Shared:
    """Put the parts together; nothing runs yet."""
    tabs = Tabs(is_connected=is_connected, keep_seconds=settings.keep_seconds, clock=clock)
    own = Tab()

    def is_present(token: str) -> bool:
        return token == own.token or tabs.is_waited_for(token)

    create_jobs = partial(Jobs, max_queued=MAX_QUEUED, is_present=is_present)
    disk = Disk(max_bytes=DISK_BYTES)
    return Shared(
        settings=settings,
        engine=engine,
        cloud=cloud,
        source=AnySource(settings),
        decode=decoder(),
        jobs=create_jobs(max_running=MAX_LOCAL_JOBS),
        cloud_jobs=create_jobs(max_running=MAX_CLOUD_JOBS),
        looks=create_jobs(max_running=MAX_LOCAL_JOBS, noun="look"),
        lives=WeakValueDictionary(),
        disk=disk,
        tabs=tabs,
        downloads=WeakValueDictionary(),
        archives=WeakValueDictionary(),
        encoding=EncodingLimits(),
        decoded=DecodedPictures(disk),
        saving=SavingPace(),
        samples=own,
        inspection_gate=Gate(max_waiting=MAX_INSPECTIONS),
        links=CapacityLimiter(MAX_LINKS),
    )


def is_connected(session_id: str) -> bool:
    """Return whether Streamlit's session has an open connection; may be asked in any thread."""
    return runtime.exists() and runtime.get_instance().is_active_session(session_id)


def prepare_samples(shared: Shared, stop: threading.Event) -> None:
    """Queue the samples' results with the first choices, so that each is there before a click."""
    model = next(iter(shared.engine.models))
    for sample in samples().values():
        if stop.is_set():
            return
        picture = intake.sample_picture(sample)
        inspection = intake.inspect(shared, shared.samples, picture)
        resolved = options.resolve(shared, options.Choices(model=model), inspection)
        request = EnhanceRequest(digest=picture.digest, options=resolved)
        work.start(shared, shared.samples, picture, request)


def sweep_forever(shared: Shared, stop: threading.Event) -> None:
    """Delete what closed tabs leave behind, until the server stops."""
    while not stop.wait(SWEEP_SECONDS):
        shared.tabs.sweep()


def end_work(shared: Shared, *, threads: Iterable[threading.Thread]) -> None:
    """Cancel all work and wait until it and the threads have ended, for `STOP_SECONDS` at most.

    A process that ends in the midst of a step is aborted, or prints the step's errors.
    """
    end = time.monotonic() + STOP_SECONDS
    stopped = [
        job for jobs in (shared.jobs, shared.cloud_jobs, shared.looks) for job in jobs.stop()
    ]
    for job in stopped:
        job.wait(max(0.0, end - time.monotonic()))
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
