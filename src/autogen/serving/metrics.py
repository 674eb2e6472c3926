"""What the server counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from autogen.agents.fleet import Fleet

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
SIZES = (1, 2, 4, 8, 16, 32)


@dataclass
class Outcome:
    """How a request ended; one that raises before it is answered ends as 500."""

    status: str = "500"


class ServerMetrics:
    """The metrics of one app, in a registry of their own. Safe to use from several threads."""

    def __init__(self, fleet: Fleet) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "autogen_requests_total", "Requests by route and status.", ("route", "status"), registry=registry
        )
        self._seconds = Histogram(
            "autogen_request_seconds", "Seconds from request to answer.", ("route",), registry=registry, buckets=SECONDS
        )
        self.batch_size = Histogram(
            "autogen_batch_size", "Messages answered together.", registry=registry, buckets=SIZES
        )
        self.answers = Counter(
            "autogen_answers_total", "Answers by action and version.", ("action", "version"), registry=registry
        )
        self.feedback = Counter("autogen_feedback_total", "Feedback kept.", registry=registry)
        loaded = Gauge("autogen_loaded_versions", "Versions in memory.", registry=registry)
        loaded.set_function(lambda: len(fleet.loaded))
        registry.register(_Champion(fleet))
        ProcessCollector(registry=registry)

    @contextmanager
    def request(self, route: str) -> Iterator[Outcome]:
        """Count and time one request."""
        outcome, started = Outcome(), perf_counter()
        try:
            yield outcome
        finally:
            self._requests.labels(route, outcome.status).inc()
            self._seconds.labels(route).observe(perf_counter() - started)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)


class _Champion(Collector):
    """Which version is champion: a sample that is always 1, read when asked for."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def collect(self) -> Iterator[GaugeMetricFamily]:
        champion = self._fleet.champion
        family = GaugeMetricFamily("autogen_champion_info", "The version that answers.", labels=("agent", "version"))
        family.add_metric((champion.name, champion.version), 1)
        yield family
