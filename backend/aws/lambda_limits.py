"""The limits of Lambda and API Gateway for a call: time, and bytes of its answer."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Protocol

from backend.deadline import Deadline
from backend.settings import Settings

MAX_ANSWER_BYTES = 6 * 2**20
"""Lambda's limit on the JSON of an answer; the runtime's process ends when it is exceeded."""
ENVELOPE_BYTES = 4096
"""Upper bound of what is added to a reply's body: status, headers, and a backslash a quote."""
MAX_REPLY_BYTES = MAX_ANSWER_BYTES - ENVELOPE_BYTES
TIME_BUDGET_SECONDS = 28.0
"""API Gateway hangs up after 29 s unless its quota was raised; cold start included."""
MEGABYTES_PER_VCPU = 1769
VCPUS_PER_CORE = 2
"""A virtual processor is one of the two hyperthreads of a core."""
SECONDS_TO_ANSWER = 1.0
"""Time kept back to encode and send an answer before Lambda ends the call."""


class LambdaContext(Protocol):
    """The used part of a handler's second argument."""

    @property
    def aws_request_id(self) -> str: ...

    def get_remaining_time_in_millis(self) -> int: ...


def lambda_settings() -> Settings:
    """Read `SR_*`; a reply limit above Lambda's own is lowered to it."""
    settings = Settings.from_deployment()
    return replace(
        settings,
        max_reply_bytes=min(settings.max_reply_bytes or MAX_REPLY_BYTES, MAX_REPLY_BYTES),
        time_budget_seconds=settings.time_budget_seconds or TIME_BUDGET_SECONDS,
    )


@cache
def process_settings() -> Settings:
    """Read the settings once a process; SettingsError ends its start."""
    settings = lambda_settings()
    logging.getLogger("backend").setLevel(settings.log_level)
    return settings


def cores(environment: Mapping[str, str] = os.environ) -> float | None:
    """Return the processor cores that a function's memory buys, or None if unknown.

    At 1769 MB a function has one virtual processor, otherwise in proportion.
    """
    megabytes = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    if not megabytes.isdigit():
        return None
    return int(megabytes) / MEGABYTES_PER_VCPU / VCPUS_PER_CORE


def seconds_left(
    context: LambdaContext, *, budget: float | None, waited: float = 0.0
) -> Callable[[], float]:
    """Return the seconds left: the smaller of the caller's patience and Lambda's limit.

    The caller waits `budget` seconds in all, and has already waited `waited`.
    """
    deadline = Deadline(math.inf if budget is None else budget - waited)

    def left() -> float:
        of_lambda = context.get_remaining_time_in_millis() / 1000 - SECONDS_TO_ANSWER
        return min(deadline.seconds_left, of_lambda)

    return left
