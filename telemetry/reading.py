"""Reading: one value of one series at one moment.

An absent value is no Reading. A Reading never carries 0, -1, NaN or the last value to mean
"not known".
"""

import math
from datetime import datetime

from msgspec import Struct

from telemetry.metric import Metric


class Series(Struct, frozen=True):
    """What is measured: a metric of the catalogue and its label values, in the metric's order."""

    metric: Metric
    labels: tuple[str, ...]

    def label_map(self) -> dict[str, str]:
        """Label name -> value."""
        return dict(zip(self.metric.labels, self.labels, strict=True))


class Reading(Struct, frozen=True):
    """A value in the metric's unit, taken at `at` (aware, UTC)."""

    series: Series
    value: float
    at: datetime

    @property
    def metric(self) -> Metric:
        """The catalogue's entry."""
        return self.series.metric


def reading(metric: Metric, value: float, at: datetime, **labels: str) -> Reading:
    """One Reading, checked against the catalogue.

    Raises ValueError for a value that is not finite, a naive time, a label that the metric does
    not have or lacks, or a state outside its closed list: each is a bug in the collector.
    """
    if not math.isfinite(value):
        raise ValueError(f"{metric.name}: {value} is not a reading")
    if at.tzinfo is None:
        raise ValueError(f"{metric.name}: the time must be aware")
    return Reading(series(metric, labels), float(value), at)


def series(metric: Metric, labels: dict[str, str]) -> Series:
    """The Series of these labels; raises ValueError as `reading` does."""
    if labels.keys() != set(metric.labels):
        raise ValueError(f"{metric.name}: labels {sorted(labels)}, not {sorted(metric.labels)}")
    for key, allowed in metric.states.items():
        if labels[key] not in allowed:
            raise ValueError(f"{metric.name}: {key}={labels[key]!r} is none of {allowed}")
    return Series(metric, tuple(labels[key] for key in metric.labels))


def state_readings(metric: Metric, label: str, state: str, at: datetime, **labels: str) -> list[Reading]:
    """One Reading per allowed state of `label`: 1 for `state`, 0 for the others."""
    return [reading(metric, float(one == state), at, **labels, **{label: one}) for one in metric.states[label]]
