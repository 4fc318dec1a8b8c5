"""`python -m backend bulk`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from backend.bulk.folder_store import FolderStore
from backend.bulk.store import Item, Store, Stores
from backend.bulk.work import Job, Result, in_shard, make_job, work, work_all
from backend.commands.interrupt import INTERRUPTED, Interrupt
from backend.commands.lines import write_line
from backend.commands.parser import options_from
from backend.commands.plan import Plan
from backend.commands.progress import Progress, Speed
from backend.commands.report import FAILURES, Report, failure_line
from backend.engine import Watch
from backend.factory import create_engine
from backend.images.notes import NOTES
from backend.requests.sources.s3_address import S3
from backend.settings import Settings

NEIGHBOURS = 2
"""Pictures in hand for each running network, besides its own: read, decoded or written."""
REQUESTS = 16
"""More in hand where S3, which answers slowly, is used."""
MOST_FAULTS = 10
"""Consecutive faults that end a run."""
REPORTS = "_bulk"


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Return 0 if every picture is done, 1 if one failed, 130 after Ctrl-C."""
    stores = Stores(source=_open(arguments.source), target=_open(arguments.target))
    if isinstance(stores.target, FolderStore):
        stores.target.remove_abandoned_parts()
    at_once = arguments.workers + NEIGHBOURS
    # All workers share one network's threads, and each needs one of its own.
    settings = replace(
        settings,
        threads=max(1, settings.threads - arguments.workers + 1),
        max_running=at_once,
        max_queued=at_once + REQUESTS,
    )
    engine = create_engine(settings, max_networks=arguments.workers)
    options = options_from(arguments)
    job = make_job(engine, engine.registry, options, settings)
    # An unusable network is one error, not one for each picture.
    engine.session(model=job.options.model, scale=job.options.scale)
    if S3 in (arguments.source[: len(S3)], arguments.target[: len(S3)]):
        at_once += REQUESTS
    with Interrupt() as interrupt:
        return Run(job, stores, shard=arguments.shard, interrupt=interrupt).do(at_once=at_once)


def _open(address: str) -> Store:
    if not address.startswith(S3):
        return FolderStore(Path(address))
    # Imported on first use: boto3 costs about 0.25 s of CPU.
    from backend.bulk.s3_store import S3Store  # noqa: PLC0415

    return S3Store.from_address(address)


class Run:
    """One run over one shard, and its report."""

    def __init__(
        self, job: Job, stores: Stores, *, shard: tuple[int, int], interrupt: Interrupt
    ) -> None:
        self._job = job
        self._stores = stores
        self._shard = shard
        self._interrupt = interrupt
        self._report = Report()

    def do(self, *, at_once: int) -> int:
        """Work through the plan and return the exit code."""
        with closing(Plan(self._listed())) as plan:
            speed = Speed(plan.total)
            with closing(Progress(speed, total=plan.total)) as progress:
                for result in work_all(self._taken(plan), self._work, at_once=at_once):
                    self._report.add(result)
                    if result.outcome in FAILURES:
                        progress.print_line(failure_line(result))
                    for note in result.notes:
                        progress.print_line(f"{result.key}: {NOTES.get(note, note)}")
                    speed.add(result)
                    progress.show()
        self._report.left_out = self._stores.source.left_out
        write_line(sys.stdout, str(self._report))
        write_line(sys.stdout, f"Report: {self._write_report(speed)}")
        if self._interrupt.is_requested():
            write_line(sys.stderr, "Stopped; the same command goes on.")
            return INTERRUPTED
        if self._is_given_up:
            reason = f"Given up: {MOST_FAULTS} pictures in a row failed for no fault of theirs."
            write_line(sys.stderr, f"{reason} The same command goes on.")
        return 1 if self._report.failures else 0

    def _listed(self) -> Iterator[Item]:
        number, count = self._shard
        for item in self._stores.source.list():
            if self._interrupt.is_requested():
                return
            if in_shard(item.key, number=number, count=count):
                yield item

    def _taken(self, plan: Plan) -> Iterator[Item]:
        for item in plan:
            if self._interrupt.is_requested() or self._is_given_up:
                return
            yield item

    @property
    def _is_given_up(self) -> bool:
        return self._report.faults_in_a_row >= MOST_FAULTS

    def _work(self, item: Item) -> Result:
        watch = Watch(is_cancelled=self._interrupt.is_requested)
        return work(item, self._job, self._stores, watch=watch)

    def _write_report(self, speed: Speed) -> str:
        """Write the report and return its address."""
        end = "given up" if self._is_given_up else "complete"
        number, count = self._shard
        about = {
            "source": self._stores.source.address,
            "target": self._stores.target.address,
            "shard": f"{number}/{count}",
            **self._job.metadata,
            "end": "interrupted" if self._interrupt.is_requested() else end,
            **speed.facts,
            **self._report.facts,
        }
        moment = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        key = f"{REPORTS}/{moment}-{number}of{count}.json"
        text = json.dumps(about, indent=2) + "\n"
        self._stores.target.write(key, text.encode(), media_type="application/json")
        return self._stores.target.address + key
