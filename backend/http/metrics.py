"""Metrics of the server in Prometheus' format."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120)


class Metrics:
    """The counters of one server, fed with the facts of each request's line in the log."""

    def __init__(self, *, load: Callable[[], tuple[int, int]]) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "sr_requests",
            "Requests by status and, for refusals, by error code.",
            ("status", "error"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "sr_request_seconds",
            "Seconds from the whole request to the whole answer, waiting included.",
            buckets=SECONDS,
            registry=self._registry,
        )
        self._stages = Histogram(
            "sr_stage_seconds",
            "Seconds by stage: waiting, decoding, network, encoding.",
            ("stage",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._megapixels = Counter(
            "sr_megapixels", "Megapixels of the results.", registry=self._registry
        )
        running = Gauge("sr_running", "Pictures that run now.", registry=self._registry)
        running.set_function(lambda: load()[0])
        waiting = Gauge("sr_waiting", "Pictures that wait now.", registry=self._registry)
        waiting.set_function(lambda: load()[1])

    def count(self, facts: Mapping[str, object]) -> None:
        """Count one request; safe in any thread."""
        self._requests.labels(str(facts["status"]), str(facts.get("error", ""))).inc()
        seconds = facts.get("seconds")
        if isinstance(seconds, float):
            self._seconds.observe(seconds)
        stages = facts.get("stages")
        if isinstance(stages, Mapping):
            for stage, taken in stages.items():
                self._stages.labels(stage).observe(taken)
        width, height = facts.get("width"), facts.get("height")
        if isinstance(width, int) and isinstance(height, int):
            self._megapixels.inc(width * height / 1e6)

    def text(self) -> bytes:
        """Return all metrics for one scrape."""
        return generate_latest(self._registry)
