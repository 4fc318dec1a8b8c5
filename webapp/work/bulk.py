"""All of the visitor's pictures with the present choices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backend import SuperResolutionError
from backend.errors import CancelledError
from webapp.base.texts import Texts
from webapp.intake.pictures import InputFile, Inspection
from webapp.options.state import Choices, resolve
from webapp.shared import Page
from webapp.work import expectations, state
from webapp.work.enhance import EnhanceRequest, Place
from webapp.work.jobs import Job, Phase


@dataclass(frozen=True, kw_only=True)
class Bulk:
    """The visitor's pictures with the present choices."""

    pending: dict[InputFile, EnhanceRequest]
    """Pictures that could be enhanced and were not requested."""
    seconds: float
    """Expected seconds of all of them together."""
    running: tuple[EnhanceRequest, ...]
    done: int
    """Pictures that have a result, with these choices or others."""


def plan_bulk(page: Page, choices: Choices, place: Place) -> Bulk:
    """Find the pending work of all own pictures."""
    tab, shared = page.tab, page.shared
    pending: dict[InputFile, EnhanceRequest] = {}
    seconds = 0.0
    for picture, inspection, request in _own_requests(page, choices, place):
        if request in tab.errors or request in page.running:
            continue
        if state.result(shared, tab, picture, request) is not None:
            continue
        if (error := expectations.refusal(shared, inspection.size, request)) is not None:
            tab.errors[request] = error
            continue
        pending[picture] = request
        seconds += expectations.estimate(shared, inspection.size, request).total
    own = set(tab.pictures)
    return Bulk(
        pending=pending,
        seconds=seconds,
        running=tuple(request for request in page.running if request.digest in own),
        done=len({request.digest for request in tab.results()} & own),
    )


def start_all(page: Page, bulk: Bulk) -> None:
    """Queue everything that is pending."""
    for picture, request in bulk.pending.items():
        state.start(page.shared, page.tab, picture, request)


def stop_all(page: Page, bulk: Bulk) -> None:
    """End everything that is running."""
    for request in bulk.running:
        state.stop(page, request)


def describe_own(page: Page, choices: Choices, place: Place) -> dict[str, tuple[str, str]]:
    """Return (mark, words) of each own picture, for the present choices."""
    tab, t = page.tab, page.t
    described = {
        digest: ("!", t("own.refused"))
        for digest, found in tab.inspections.items()
        if isinstance(found, SuperResolutionError)
    }
    for picture, _, request in _own_requests(page, choices, place):
        digest = picture.digest
        if request in page.running:
            # The bar says more about the picture on the page, and more often.
            is_current = digest == tab.current
            job = page.running[request]
            described[digest] = ("…", t("own.running")) if is_current else mark(job, t)
        elif state.result(page.shared, tab, picture, request) is not None:
            described[digest] = ("✓", t("own.done"))
        elif isinstance(tab.errors.get(request), CancelledError):
            described[digest] = ("–", t("stop.stopped"))
        elif request in tab.errors:
            described[digest] = ("!", t("own.failed"))
    return described


def _own_requests(
    page: Page, choices: Choices, place: Place
) -> Iterator[tuple[InputFile, Inspection, EnhanceRequest]]:
    """Yield each readable own picture with the request that the present choices make of it."""
    for digest, picture in page.tab.pictures.items():
        inspection = page.tab.inspections.get(digest)
        if isinstance(inspection, Inspection):
            options = resolve(page.shared, choices, inspection)
            yield picture, inspection, EnhanceRequest(digest=digest, options=options, place=place)


def mark(job: Job, t: Texts) -> tuple[str, str]:
    """Return a few characters for a job's phase, and their words."""
    now = job.state
    if now.phase is Phase.WAITING:
        return "…", t("own.waiting")
    percent = round(100 * now.done / now.total) if now.total else 0
    text = t("unit.percent", number=percent)
    return text, text
