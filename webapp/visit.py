"""What the page remembers of one tab between its runs."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from backend import SuperResolutionError
from backend.errors import BusyError, CancelledError
from webapp.cloud.compared import Compared
from webapp.cloud.connection import Tested
from webapp.enhance import Enhanced, Wish
from webapp.jobs import Job, Phase
from webapp.pictures import Picked
from webapp.samples import samples
from webapp.wiring import Studio, visitor

SHORT_WAIT_SECONDS = 0.4
"""A small picture is ready within it, and the page goes to the result without a progress bar."""


@dataclass
class Visit:
    """One tab."""

    sample: str = field(default_factory=lambda: next(iter(samples())))
    linked: Picked | None = None
    """The picture behind the last link that worked."""
    link_error: SuperResolutionError | None = None
    asked: set[Wish] = field(default_factory=set)
    """Wishes whose results are shown at once, without pressing the button again."""
    job: Job | None = None
    refusal: tuple[Wish, SuperResolutionError] | None = None
    """A wish that did not become a job, or whose job the visitor cancelled."""
    tested: Tested | None = None
    """What the last test of the endpoint's connection found."""

    def start(self, picked: Picked, wish: Wish, *, studio: Studio) -> None:
        """The button was pressed, once or often."""
        self.refusal = self.tested = None
        self.asked.add(wish)
        try:
            self.job = studio.start(picked.data, wish, visitor=visitor())
        except BusyError as exc:
            self.job, self.refusal = None, (wish, exc)
        if self.job is not None:
            self.job.wait(SHORT_WAIT_SECONDS)

    def cancel(self, wish: Wish, *, studio: Studio) -> None:
        """Stop waiting; the job itself stops when nobody else waits for it."""
        self.job, self.refusal = None, (wish, CancelledError("Cancelled."))
        studio.keep_only(None, visitor=visitor())

    def follow(self, wish: Wish | None, *, studio: Studio) -> None:
        """Forget the job of a picture or of options that the visitor has left behind."""
        if self.job is not None and self.job.key != wish:
            self.job = None
        studio.keep_only(self.job, visitor=visitor())

    def result(self, wish: Wish, *, studio: Studio) -> Enhanced | Compared | None:
        """What was asked for, if it is there."""
        return studio.results.get(wish) if wish in self.asked else None

    def running(self, wish: Wish) -> Job | None:
        """The job that this tab waits for."""
        job = self.job
        return job if job and job.key == wish and not job.state.phase.is_over else None

    def error(self, wish: Wish) -> SuperResolutionError | None:
        """Why there is no result."""
        if self.job is not None and self.job.key == wish:
            state = self.job.state
            # Without a word from this tab: its connection was lost for longer than the grace.
            was_lost = state.phase is Phase.CANCELLED
            return CancelledError("The connection was lost.") if was_lost else state.error
        return self.refusal[1] if self.refusal and self.refusal[0] == wish else None


def current_visit() -> Visit:
    """This tab's, made on its first run."""
    if "visit" not in st.session_state:
        st.session_state.visit = Visit()
    visit: Visit = st.session_state.visit
    return visit
