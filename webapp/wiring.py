"""What the whole process shares: made once, from the settings, and handed to the page."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from backend import Settings, SuperResolutionError, UpscaleOptions, create_service
from backend.images import OutputFormat
from backend.options import UpscaleRequest
from backend.service import Source
from backend.sources import AnySource
from webapp.engine import Engine, LocalEngine
from webapp.enhance import Enhanced, Wish, enhance
from webapp.jobs import Job, Jobs
from webapp.results import Results

RESULT_BYTES = 256 * 2**20


@dataclass(frozen=True, kw_only=True)
class Studio:
    """The engine with its queue and its shelf of results."""

    settings: Settings
    engine: Engine
    source: Source
    jobs: Jobs
    results: Results[Enhanced]

    def start(self, data: bytes, wish: Wish, *, visitor: str) -> Job | None:
        """The job that makes the wish come true; None when it is true already.

        BusyError when too many others are waiting.
        """
        if self.results.get(wish) is not None:
            return None

        def work(job: Job) -> None:
            result = enhance(
                data,
                wish,
                engine=self.engine,
                max_side=self.settings.max_side,
                on_progress=job.report,
                is_cancelled=job.is_cancelled,
                on_finishing=job.finishing,
            )
            self.results.put(wish, result)

        return self.jobs.submit(wish, work, visitor=visitor)

    def file(self, wish: Wish, format: OutputFormat) -> bytes:
        """A finished picture in a format that its result offers; runs when a download begins."""
        result = self.results.get(wish)
        if result is None:
            raise SuperResolutionError("This result made room for newer ones; enhance it again.")
        return result.file(format)

    def fetch(self, url: str) -> bytes:
        """The file behind a link; SourceError and others say what is wrong."""
        request = UpscaleRequest(url=url, options=UpscaleOptions())
        return self.source.read(request, max_bytes=self.settings.max_image_bytes)


@st.cache_resource(show_spinner=False)
def studio() -> Studio:
    """The process's one; SettingsError or ModelError when it cannot be made."""
    settings = Settings.from_environment()
    logging.basicConfig(format="%(asctime)s %(name)s %(message)s")
    for name in ("backend", "webapp"):
        logging.getLogger(name).setLevel(settings.log_level)
    return create_studio(settings, engine=LocalEngine(create_service(settings)))


def create_studio(settings: Settings, *, engine: Engine) -> Studio:
    """Nothing runs yet."""
    return Studio(
        settings=settings,
        engine=engine,
        source=AnySource(settings),
        jobs=Jobs(
            max_running=settings.max_running,
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
