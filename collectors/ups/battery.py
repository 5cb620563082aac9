"""What the battery is really worth, from the discharges it has been through. Pure: readings in, a verdict out.

A card's runtime is the maker's guess for a new battery. Every mains cut is a test of the real one:
seconds, charge spent, load carried. Capacity is seconds x load^k for each whole charge spent
(Peukert's law; k = 1.15 lies in the middle of what makers of sealed lead-acid batteries give), so
that discharges at different loads compare. Without enough evidence there is no verdict.
"""

import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

PEUKERT = 1.15
_SHORTEST_SECONDS, _SMALLEST_DROP, _SMALLEST_LOAD = 60.0, 0.05, 0.02
"""Below these the card's whole per cents say more than the battery."""
_ENOUGH_DROP, _RECENT = 0.3, 8
"""So much charge spent in all, within so many discharges, makes an estimate."""
_LOAD_RANGE = 2.0
"""At a load further from those seen than this factor nothing is claimed."""
_BEST = 0.9
"""The best is what one in ten groups exceeds: the very best is luck."""
_TREND_DISCHARGES, _TREND_DAYS = 6, 30.0
_REPLACE_BELOW = 0.8
"""IEEE Std 1188: replace a battery that gives less than 80 % of its capacity."""
_NEW_BATTERY = 1.5
"""Two discharges in a row this much better than those before: somebody has put in a new one."""
_SUMMER_MONTHS = (5, 9)
"""First and last month in which heat and load-shedding ask most of a battery in Pakistan."""
_KEPT = 64
_DAY = 86400.0


class Discharge(Struct, frozen=True):
    """One real discharge: its end (epoch seconds), length, charge spent (0-1), mean load (0-1)."""

    at: float
    seconds: float
    drop: float
    load: float

    @property
    def capacity(self) -> float:
        """Seconds x load^k for one whole charge."""
        return float(self.seconds / self.drop * self.load**PEUKERT)


class Running(Struct):
    """The discharge that is on; feed it every reading on battery."""

    first: tuple[float, float] | None = None
    last: tuple[float, float] | None = None
    loads: list[float] = []

    def see(self, at: float, charge: float | None, load: float | None) -> None:
        """`at` in seconds of a clock that does not jump; charge and load 0-1, None where not told."""
        if charge is not None:
            self.first = self.first or (at, charge)
            self.last = (at, charge)
        if load is not None:
            self.loads.append(load)
            del self.loads[:-4096]

    def end(self, wall: float) -> Discharge | None:
        """What it showed, if it went on long and deep enough to show anything."""
        if self.first is None or self.last is None or not self.loads:
            return None
        seconds, drop = self.last[0] - self.first[0], self.first[1] - self.last[1]
        load = statistics.fmean(self.loads)
        if seconds < _SHORTEST_SECONDS or drop < _SMALLEST_DROP or load < _SMALLEST_LOAD:
            return None
        return Discharge(wall, seconds, round(drop, 4), round(load, 4))


class Battery(Struct):
    """The discharges of one battery, oldest first."""

    discharges: list[Discharge] = []

    def add(self, one: Discharge) -> None:
        """One more; a battery that was replaced begins a new history."""
        self.discharges.append(one)
        before, newest = self.discharges[-_RECENT:-2], self.discharges[-2:]
        if len(before) >= 3 and min(map(_whole, newest)) > _NEW_BATTERY * statistics.median(map(_whole, before)):
            del self.discharges[:-2]
        if len(self.discharges) > _KEPT:
            self._thin()

    def _thin(self) -> None:
        """Give up the one whose neighbours lie closest: years stay covered, the first and the last ones stay."""
        found = self.discharges
        middle = range(_RECENT, len(found) - _RECENT)
        del found[min(middle, key=lambda n: found[n + 1].at - found[n - 1].at)]

    def runtime_seconds(self, load: float | None) -> float | None:
        """From full at this load; None where no discharge tells."""
        recent = self.discharges[-_RECENT:]
        capacity = _capacity(recent)
        if capacity is None or load is None or load < _SMALLEST_LOAD:
            return None
        loads = [one.load for one in recent]
        if not min(loads) / _LOAD_RANGE <= load <= max(loads) * _LOAD_RANGE:
            return None
        return float(capacity / load**PEUKERT)

    def health_ratio(self) -> float | None:
        """Capacity now over the best that eight discharges in a row have shown; needs twice that evidence."""
        if len(self.discharges) < 2 * _RECENT:
            return None
        groups = [self.discharges[n : n + _RECENT] for n in range(len(self.discharges) - _RECENT + 1)]
        known = sorted(value for group in groups if (value := _capacity(group)) is not None)
        now = _capacity(self.discharges[-_RECENT:])
        return None if now is None else min(1.0, now / known[int(_BEST * (len(known) - 1))])

    def trend_per_month(self) -> float | None:
        """Change of capacity in 30 days as a share of itself: the median slope of all pairs (Theil and Sen)."""
        found = self.discharges
        if len(found) < _TREND_DISCHARGES or found[-1].at - found[0].at < _TREND_DAYS * _DAY:
            return None
        slopes = [
            (b.capacity - a.capacity) / (b.at - a.at)
            for n, a in enumerate(found)
            for b in found[n + 1 :]
            if b.at - a.at >= _DAY
        ]
        if not slopes:
            return None
        return statistics.median(slopes) * 30 * _DAY / statistics.median(one.capacity for one in found)

    def replace_before_summer(self, now: datetime) -> bool | None:
        """Whether by the coming summer it gives less than 80 % of its best; None without evidence."""
        health, trend = self.health_ratio(), self.trend_per_month()
        if health is None or trend is None:
            return None
        return health * max(0.0, 1 + min(trend, 0.0) * months_to_summer(now)) < _REPLACE_BELOW

    def evidence(self, now: datetime, load: float | None) -> dict[str, float | int | bool | str | None]:
        """What the verdict stands on, for people."""
        found = self.discharges
        return {
            "discharges": len(found),
            "since": datetime.fromtimestamp(found[0].at, UTC).date().isoformat() if found else None,
            "charge_spent": round(sum(one.drop for one in found), 2),
            "runtime_at_load_seconds": _rounded(self.runtime_seconds(load)),
            "capacity_of_best": _rounded(self.health_ratio(), 3),
            "change_per_month": _rounded(self.trend_per_month(), 3),
            "replace_before_summer": self.replace_before_summer(now),
        }


def _whole(one: Discharge) -> float:
    return one.capacity


def _capacity(discharges: Sequence[Discharge]) -> float | None:
    """The mean by charge spent: a deep discharge says more than a shallow one."""
    drop = sum(one.drop for one in discharges)
    if drop < _ENOUGH_DROP:
        return None
    return sum(one.capacity * one.drop for one in discharges) / drop


def months_to_summer(now: datetime) -> float:
    """Months of 30 days until the next May; 0 in summer."""
    first, last = _SUMMER_MONTHS
    if first <= now.month <= last:
        return 0.0
    may = datetime(now.year + (now.month > last), first, 1, tzinfo=now.tzinfo)
    return (may - now).total_seconds() / (30 * _DAY)


def _rounded(value: float | None, digits: Literal[0, 3] = 0) -> float | None:
    return None if value is None else round(value, digits)
