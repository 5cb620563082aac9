"""Snapshot -> one prometheus_client collector in its own registry. No timestamps: staleness must work.

A scrape never starts a measurement, and what is older than its max age is absent.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agent.snapshot import Snapshot
from telemetry.metric import Metric as Entry
from telemetry.reading import Reading


class SnapshotCollector(Collector):
    """Renders the live readings."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[Metric]:
        """prometheus_client's: one family a metric."""
        by_metric: dict[Entry, list[Reading]] = {}
        for one in self._snapshot.live():
            by_metric.setdefault(one.metric, []).append(one)
        return [_family(metric, readings) for metric, readings in by_metric.items()]

    def describe(self) -> Iterable[Metric]:
        """Nothing is promised before it is read."""
        return []


def _family(metric: Entry, readings: list[Reading]) -> Metric:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.help + ".", labels=metric.labels)
    for one in readings:
        family.add_metric(one.series.labels, one.value)
    return family


def registry(snapshot: Snapshot) -> CollectorRegistry:
    """A registry that holds the snapshot and nothing of the process."""
    made = CollectorRegistry(auto_describe=False)
    made.register(SnapshotCollector(snapshot))
    return made
