"""The settings of a function behind API Gateway: the transport's own limits where none is set."""

from __future__ import annotations

from dataclasses import replace

from backend.adapters.api_gateway import ENVELOPE_BYTES, MAX_ANSWER_BYTES
from backend.settings import Settings

MAX_REPLY_BYTES = MAX_ANSWER_BYTES - ENVELOPE_BYTES
TIME_BUDGET_SECONDS = 27.0
"""API Gateway hangs up after 29 s unless its quota was raised; a cold start is part of them."""


def lambda_settings() -> Settings:
    """`SR_*`; a reply limit above what Lambda takes is lowered to it."""
    settings = Settings.from_environment()
    return replace(
        settings,
        max_reply_bytes=min(settings.max_reply_bytes or MAX_REPLY_BYTES, MAX_REPLY_BYTES),
        time_budget_seconds=settings.time_budget_seconds or TIME_BUDGET_SECONDS,
    )
