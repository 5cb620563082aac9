"""The latest reading of each series, with its age. What is older than its max age is absent.

Written by the scheduler, read by /metrics and the page from their own threads: writers replace
whole dicts, readers see either the old or the new one.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from telemetry.metric import Metric
from telemetry.reading import Reading, Series

_NEVER = -1.0


def now_utc() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Snapshot:
    """Latest readings by series."""

    def __init__(self, clock: Callable[[], datetime] = now_utc) -> None:
        self._clock = clock
        self._latest: dict[Series, tuple[Reading, float]] = {}
        self._source: dict[Series, str] = {}

    def put(self, source: str, readings: Iterable[Reading], *, at_least_seconds: float = 0.0) -> None:
        """Take one tick of a collector. Its series that the tick lacks stay until their max age.

        at_least_seconds: keep these at least so long; a slow collector must not blink.
        """
        fresh = dict(self._latest)
        for one in readings:
            fresh[one.series] = (one, max(one.metric.max_age_seconds, at_least_seconds))
            self._source[one.series] = source
        self._latest = fresh

    def forget(self, source: str, metrics: frozenset[Metric]) -> None:
        """Drop these metrics of a source at once: it says itself that they no longer hold."""
        self._latest = {
            series: kept
            for series, kept in self._latest.items()
            if self._source[series] != source or series.metric not in metrics
        }

    def expire(self, source: str, metrics: frozenset[Metric]) -> None:
        """These metrics of a source are not live any more; their age can still be shown."""
        self._latest = {
            series: (one, _NEVER) if self._source[series] == source and series.metric in metrics else (one, limit)
            for series, (one, limit) in self._latest.items()
        }

    def keep_only(self, sources: Iterable[str]) -> None:
        """Drop what came from a source that is no longer configured."""
        known = set(sources)
        self._latest = {series: kept for series, kept in self._latest.items() if self._source[series] in known}

    def live(self) -> list[Reading]:
        """Every reading that still counts as the present; one of the future is as old as it is early."""
        now = self._clock()
        return [one for one, limit in self._latest.values() if abs((now - one.at).total_seconds()) <= limit]

    def last(self) -> list[Reading]:
        """Every latest reading, however old; for showing ages, never for showing values as live."""
        return [one for one, _ in self._latest.values()]

    def of(self, metric: Metric) -> list[Reading]:
        """The live readings of one metric."""
        return [one for one in self.live() if one.series.metric is metric]

    def age_seconds(self, one: Reading) -> float:
        """How old a reading is now; never negative."""
        return max(0.0, (self._clock() - one.at).total_seconds())
