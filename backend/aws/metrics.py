"""Metrics for CloudWatch: lines in the function's log, in its embedded metric format.

They need no permission and no call. Every line also has the facts of the request's own log line, so
that one search finds both.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping

NAMESPACE = "SuperResolution"
LEAST_PIXELS = 65_536
"""The least number of pixels; smaller pictures tell more about overhead than about speed."""

Facts = Mapping[str, object]


def write_metrics(facts: Facts, *, stack: str) -> None:
    """Write one line to standard output, which Lambda logs unchanged."""
    sys.stdout.write(json.dumps(metrics_from(facts, stack=stack)) + "\n")
    sys.stdout.flush()


def metrics_from(facts: Facts, *, stack: str) -> dict[str, object]:
    """Make the line of a request with these facts (see `Reply.facts`)."""
    groups: list[dict[str, object]] = [_group("Outcome", "Requests", unit="Count")]
    values: dict[str, object] = {"Stack": stack, "Outcome": outcome(facts), "Requests": 1}
    seconds = _seconds_per_megapixel(facts)
    if seconds is not None:
        groups.append(_group("Model", "SecondsPerMegapixel", unit="None"))
        values |= {"Model": facts["model"], "SecondsPerMegapixel": seconds}
    about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": groups}
    return {**facts, **values, "_aws": about}


def outcome(facts: Facts) -> str:
    """Return `done`, `refused`, `source` for a caller's dead link, or `fault` for our own."""
    status = facts.get("status")
    if str(facts.get("error", "")).startswith("source_"):
        return "source"
    if not isinstance(status, int) or status >= 500:
        return "fault"
    return "refused" if status >= 400 else "done"


def _group(dimension: str, metric: str, *, unit: str) -> dict[str, object]:
    return {
        "Namespace": NAMESPACE,
        "Dimensions": [["Stack", dimension]],
        "Metrics": [{"Name": metric, "Unit": unit}],
    }


def _seconds_per_megapixel(facts: Facts) -> float | None:
    """Return seconds per input megapixel, or None if it was small or there is no result."""
    sides = [facts.get(name) for name in ("width", "height", "scale")]
    seconds = facts.get("engine_seconds")
    if not isinstance(seconds, float) or not all(isinstance(each, int) for each in sides):
        return None
    width, height, scale = (int(str(each)) for each in sides)
    pixels = width * height // scale**2
    return round(seconds / pixels * 1e6, 3) if pixels >= LEAST_PIXELS else None
