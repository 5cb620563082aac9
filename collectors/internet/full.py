"""The full-length test of a line that ends the usual ones at their byte cap, so that they only say "at least". Pure.

Once a week, or each two or four where the money does not reach; never more than half of what is there for tests.
Its price is put aside day by day, so that the usual tests, which learn less, leave it there.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from collectors.internet import schedule
from collectors.internet.decide import DIRECTIONS, WAIT, Decision, Line, Money, Past, Plan, is_busy, is_proven
from collectors.internet.engines import Direction

COST_SECONDS = 3.5
"""Of the rate that is known: what such a test of a line costs that never had one."""
_MARGIN, _MOST = 1.25, 2.0
_SHARE = 0.5
_EVERY_DAYS = (7, 14, 28)
_LATE_DAYS = 3
_DAY_SECONDS = 86400.0


class Full(Struct, frozen=True):
    """directions: those that end at the cap. price: bytes that must be there. days: from one to the next.

    since: the last one, or the first test of all; Unix time.
    """

    directions: tuple[Direction, ...]
    price: float
    days: int
    since: float

    def aside(self, now: datetime) -> float:
        """Bytes that are put aside for it by now."""
        return self.price * min(1.0, max(0.0, self._age_days(now) / self.days))

    @property
    def daily(self) -> float:
        """Bytes that are put aside for it each day."""
        return self.price / self.days

    def due(self, plan: Plan, past: Past, now: datetime) -> bool:
        """Whether its moment has come, local time: before the opening, or after it where a gateway is off till then."""
        age = self._age_days(now)
        late = age >= self.days + _LATE_DAYS
        return age >= self.days and schedule.quiet(plan.site, now, past.last_test, plan.opens, late=late)

    def _age_days(self, now: datetime) -> float:
        return (now.timestamp() - self.since) / _DAY_SECONDS


def full_length(
    directions: Sequence[Direction], costs: Mapping[Direction, float], rates: Mapping[Direction, float],
    daily: float, since: float,
) -> Full | None:  # fmt: skip
    """What the money reaches for; None where nothing is to be learnt, or four weeks of saving are not enough.

    costs: bytes of the last ones. rates: bytes/s, what is known at least. daily: bytes a day that are there for tests.
    """
    prices = [costs.get(way, COST_SECONDS * rates.get(way, 0.0)) for way in directions]
    price = _MARGIN * len(prices) * max(prices, default=0.0)
    days = next((days for days in _EVERY_DAYS if 0 < price <= _SHARE * daily * days), None)
    return Full(tuple(directions), price, days, since) if days else None


def decide_full(full: Full, plan: Plan, money: Money, line: Line, past: Past, now: datetime) -> Decision:
    """Run, or wait: until it is due, affordable, not proven by ordinary traffic, and the line is left alone."""
    unproven = tuple(way for way in full.directions if not is_proven(plan, line, way))
    ready = bool(unproven) and money.available >= full.price and not is_busy(plan, line)
    if not ready or not full.due(plan, past, now):
        return WAIT
    each = int(min(money.available, _MOST * full.price) / len(unproven))
    return Decision("run", directions=unproven, kind="full", full_bytes=each)


def known_rates(plan: Plan, line: Line) -> dict[Direction, float]:
    """Bytes per second that the line was sold for, or gave at least."""
    return {way: max(plan.contract.get(way, 0.0), line.capacity.get(way, 0.0)) for way in DIRECTIONS}
