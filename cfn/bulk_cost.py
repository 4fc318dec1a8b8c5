"""The costs of bulk work before anything runs: dollars, minutes and requests.

Prices are list prices of us-east-1 as known in November 2026, without any free tier; the seconds
come from the same estimate that the engine makes of a picture it has not measured yet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from backend.aws.lambda_limits import MEGABYTES_PER_VCPU, VCPUS_PER_CORE
from backend.inference.estimate import Estimator
from backend.models.manifest import ModelSpec

LAMBDA_GB_SECOND = 0.0000166667
LAMBDA_CALL = 0.20 / 1e6
STATE_TRANSITION = 25 / 1e6
TRANSITIONS_PER_BATCH = 3
"""State transitions of a batch: in, out, and one for an occasional retry."""
S3_PUT = 0.005 / 1000
S3_GET = 0.0004 / 1000
"""GET and HEAD."""
KEYS_PER_LISTING = 1000
SECONDS_FOR_TRANSFER = 0.15
"""Reading and writing one picture in S3: an assumption."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """The pictures and the machines of a run."""

    pictures: int
    megapixels: float
    """The size of one input."""
    spec: ModelSpec
    memory: int
    """MB of the function."""
    concurrency: int
    batch: int
    seconds: float | None = None
    """The time of one picture in a trial run; None estimates it."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The parts of the cost, in dollars but for the last three."""

    function: float
    calls: float
    transitions: float
    storage: float
    seconds: float
    """The time of one picture."""
    minutes: float
    requests: int
    """The number of requests to S3."""

    @property
    def total(self) -> float:
        """The sum in dollars."""
        return self.function + self.calls + self.transitions + self.storage


def cost_from(work: Work) -> Cost:
    """Calculate the cost; `explain` writes the formula out."""
    seconds = _estimated_seconds(work) if work.seconds is None else work.seconds
    batches = math.ceil(work.pictures / work.batch)
    listings = math.ceil(work.pictures / KEYS_PER_LISTING)
    return Cost(
        function=work.pictures * seconds * work.memory / 1024 * LAMBDA_GB_SECOND,
        calls=batches * LAMBDA_CALL,
        transitions=batches * TRANSITIONS_PER_BATCH * STATE_TRANSITION,
        storage=(work.pictures + listings) * S3_PUT + 2 * work.pictures * S3_GET,
        seconds=seconds,
        minutes=work.pictures * seconds / work.concurrency / 60,
        requests=3 * work.pictures + listings,
    )


def _estimated_seconds(work: Work) -> float:
    estimator = Estimator(cores=work.memory / MEGABYTES_PER_VCPU / VCPUS_PER_CORE)
    return SECONDS_FOR_TRANSFER + estimator.seconds(work.spec, pixels=round(work.megapixels * 1e6))


def explain(work: Work, cost: Cost) -> list[str]:
    """Return the formula with its numbers and results."""
    n, s, gigabytes = work.pictures, cost.seconds, work.memory / 1024
    batches = math.ceil(n / work.batch)
    source = "estimated" if work.seconds is None else "as given"
    rows = (
        ("seconds a picture", f"{s:.2f}, {source}"),
        ("minutes", f"{n:,} x {s:.2f} / {work.concurrency:,} / 60 = {cost.minutes:,.0f}"),
        (
            "Lambda",
            f"{n:,} x {s:.2f} s x {gigabytes:.2f} GB x {LAMBDA_GB_SECOND} = {cost.function:,.2f}",
        ),
        ("Lambda's calls", f"{batches:,} x {LAMBDA_CALL:.7f} = {cost.calls:,.2f}"),
        (
            "Step Functions",
            (
                f"{batches:,} x {TRANSITIONS_PER_BATCH} x {STATE_TRANSITION:.6f} "
                f"= {cost.transitions:,.2f}"
            ),
        ),
        (
            "S3",
            (
                f"{n:,} PUT x {S3_PUT:.6f} + {2 * n:,} GET and HEAD x {S3_GET:.7f} "
                f"= {cost.storage:,.2f}"
            ),
        ),
        ("dollars", f"{cost.total:,.2f}, without storing results, taxes and free tiers"),
        ("requests to S3", f"{cost.requests:,}"),
    )
    about = (
        f"{n:,} pictures of {work.megapixels:g} megapixels, {work.spec.name} x{work.spec.scale}, "
        f"{work.memory} MB, {work.concurrency:,} at once, {work.batch} for each call"
    )
    return [about, *(f"{name:<18} = {formula}" for name, formula in rows)]
