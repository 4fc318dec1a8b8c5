"""What the whole process shares: made once, from the settings, and handed to the page."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from backend import (
    Engine,
    Settings,
    SuperResolutionError,
    UpscaleOptions,
    Watch,
    create_engine,
)
from backend.logs import write_logs
from backend.options import UpscaleRequest
from backend.protocol import Source
from backend.sources import AnySource
from webapp.cloud.compared import Compared, compare
from webapp.cloud.configuration import endpoint_section, with_secrets
from webapp.cloud.endpoint import endpoint_of
from webapp.cloud.engine import CloudEngine
from webapp.engine import Place
from webapp.enhance import Enhanced, Wish, enhance
from webapp.jobs import Job, Jobs
from webapp.results import Results

RESULT_BYTES = 256 * 2**20
MAX_CLOUD_JOBS = 4
"""At a time: they wait for an answer, so they leave those of this computer their places."""


@dataclass(frozen=True, kw_only=True)
class Studio:
    """The engines with their queues and the shelf of results."""

    settings: Settings
    engine: Engine
    cloud: CloudEngine | None
    """The deployed endpoint, where one is configured."""
    source: Source
    jobs: Jobs
    cloud_jobs: Jobs
    results: Results[Enhanced | Compared]

    @property
    def places(self) -> tuple[Place, ...]:
        """What a visitor can choose from."""
        return (Place.LOCAL,) if self.cloud is None else tuple(Place)

    def check(self, data: bytes, *, place: Place) -> None:
        """SuperResolutionError for a readable picture that cannot be sent there."""
        if place is not Place.LOCAL and self.cloud is not None:
            self.cloud.check(data)

    def start(self, data: bytes, wish: Wish, *, visitor: str) -> Job | None:
        """The job that makes the wish come true; None when it is true already.

        BusyError when too many others are waiting.
        """
        if self.results.get(wish) is not None:
            return None

        def work(job: Job) -> None:
            self.results.put(wish, self._made(data, wish, job))

        queue, other = self.jobs, self.cloud_jobs
        if wish.place is not Place.LOCAL:
            queue, other = other, queue
        other.keep_only(None, visitor=visitor)
        return queue.submit(wish, work, visitor=visitor)

    def keep_only(self, job: Job | None, *, visitor: str) -> None:
        """The visitor waits for no other job in either queue."""
        self.jobs.keep_only(job, visitor=visitor)
        self.cloud_jobs.keep_only(job, visitor=visitor)

    def estimated_seconds(self, size: tuple[int, int], wish: Wish) -> float:
        """What an upright input of (width, height) is expected to take where it is wanted."""
        engines = [self.engine] if wish.place is not Place.CLOUD else []
        if wish.place is not Place.LOCAL and self.cloud is not None:
            engines.append(self.cloud)
        return max(each.estimated_seconds(size, wish.options) for each in engines)

    def _made(self, data: bytes, wish: Wish, job: Job) -> Enhanced | Compared:
        engine: Engine = self.engine
        watch = Watch(
            on_progress=job.report, is_cancelled=job.is_cancelled, on_finishing=job.finishing
        )
        if wish.place is not Place.LOCAL:
            if self.cloud is None:
                raise SuperResolutionError("There is no endpoint.")
            if wish.place is Place.BOTH:
                return compare(
                    data,
                    wish,
                    engine=self.engine,
                    cloud=self.cloud,
                    max_side=self.settings.max_side,
                    watch=watch,
                )
            engine = self.cloud
        return enhance(
            data,
            wish,
            engine=engine,
            max_side=self.settings.max_side,
            watch=watch,
        )

    def file(self, wish: Wish, format: str) -> bytes:
        """A finished picture in a format that its result offers; runs when a download begins."""
        result = self.results.get(wish)
        if not isinstance(result, Enhanced):
            raise SuperResolutionError("This result made room for newer ones; enhance it again.")
        return result.file(format)

    def fetch(self, url: str) -> bytes:
        """The file behind a link; SourceError and others say what is wrong."""
        request = UpscaleRequest(url=url, options=UpscaleOptions())
        return self.source.read(request, max_bytes=self.settings.max_image_bytes)


@st.cache_resource(show_spinner=False)
def studio() -> Studio:
    """The process's one; SettingsError or ModelError when it cannot be made."""
    settings = page_settings(os.environ)
    write_logs(settings)
    engine = create_engine(settings)
    endpoint = endpoint_of(settings)
    cloud = None
    if endpoint is not None:
        # What the endpoint has is known only by asking, so it is asked for the same networks.
        cloud = CloudEngine(endpoint, models=engine.models, max_side=settings.max_side)
    return create_studio(settings, engine=engine, cloud=cloud)


def page_settings(environment: Mapping[str, str]) -> Settings:
    """The environment's, and those of the endpoint from `secrets.toml` too."""
    return Settings.from_environment(with_secrets(environment, endpoint_section()))


def create_studio(
    settings: Settings, *, engine: Engine, cloud: CloudEngine | None = None
) -> Studio:
    """Nothing runs yet."""
    return Studio(
        settings=settings,
        engine=engine,
        cloud=cloud,
        source=AnySource(settings),
        jobs=Jobs(
            max_running=settings.max_running,
            max_queued=settings.max_queued,
            is_present=is_connected,
        ),
        cloud_jobs=Jobs(
            max_running=MAX_CLOUD_JOBS,
            max_queued=settings.max_queued,
            is_present=is_connected,
        ),
        results=Results(max_bytes=RESULT_BYTES),
    )


def visitor() -> str:
    """The tab that this run of the page is for."""
    context = get_script_run_ctx()
    return context.session_id if context else ""


def is_connected(visitor: str) -> bool:
    """Whether the tab is open; may be asked in any thread.

    Asking the server beats counting the page's polls: browsers slow down the timers of hidden
    tabs, and someone who reads another page meanwhile still waits for the picture.
    """
    return runtime.exists() and runtime.get_instance().is_active_session(visitor)
