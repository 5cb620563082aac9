"""Whether to test the throughput now. Pure: what is known goes in, one Decision comes out.

In this order: not yet; ordinary traffic already proves the contract; the money does not reach; the line
is busy, so wait a little, three times at most; else test. A test is never made cheaper, only rarer.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from collectors.internet import schedule
from collectors.internet.engines import Direction, TestClass
from collectors.internet.history import Kind

DIRECTIONS: tuple[Direction, ...] = ("down", "up")
MOST_DEFERRALS = 3
_PROVEN_SHARE = 0.9
_BUSY_SHARE = 0.5
_MARGIN = 1.25
"""Tests differ in what they cost."""
COST_SECONDS: dict[TestClass, float] = {"quick": 2.5, "sustained": 8.0}
"""Of the contract's rate: what a test of a line costs that was never tested."""
_CLOCK_IS_SET_SINCE = 2025


class Plan(Struct, frozen=True):
    """What the configuration says. contract: bytes per second by direction, where it is known."""

    site: str
    tests_per_day: int
    opens: int
    closes: int
    max_bytes: int
    contract: dict[Direction, float] = {}
    kind: TestClass = "quick"


class Money(Struct, frozen=True):
    """Bytes. available: for a test now. daily: what a day leaves for tests. cost: of a test lately, by direction."""

    available: float
    daily: float
    cost: dict[Direction, float] = {}


class Line(Struct, frozen=True):
    """Bytes per second by direction, where known.

    best: the best 5 s of ordinary traffic in 6 hours. now: the last 5 s. capacity: what the line last gave.
    """

    best: dict[Direction, float] = {}
    now: dict[Direction, float] = {}
    capacity: dict[Direction, float] = {}


class Past(Struct, frozen=True):
    """When the last test was, how this one has been put off, and whether a poor result is to be confirmed now."""

    last_test: datetime | None = None
    deferrals: int = 0
    deferred_until: datetime | None = None
    confirming: bool = False


class Decision(Struct, frozen=True):
    """wait: nothing. skip: count `reason`, the slot is used. defer: count `reason`, ask again at `until`. run: test."""

    action: Literal["wait", "skip", "defer", "run"]
    reason: str = ""
    until: datetime | None = None
    directions: tuple[Direction, ...] = ()
    kind: Kind = "quick"
    busy: bool = False
    """Others used more than half of the line; the counted rate is right all the same."""
    full_bytes: int = 0
    """What a full-length test may cost in one direction."""


WAIT = Decision("wait")


def decide(plan: Plan, money: Money, line: Line, past: Past, now: datetime) -> Decision:
    """What to do at `now`, local time."""
    if not _due(plan, money, past, now):
        return WAIT
    unproven = tuple(way for way in DIRECTIONS if not is_proven(plan, line, way))
    if not unproven:
        return Decision("skip", "skipped_passive_ok")
    if money.available < needed(plan, money, unproven):
        return Decision("skip", "postponed_budget")
    busy = is_busy(plan, line)
    if busy and past.deferrals < MOST_DEFERRALS:
        until = now + schedule.deferral(plan.site, now, past.deferrals)
        return Decision("defer", "postponed_busy", until=until)
    return Decision("run", directions=unproven, kind=plan.kind, busy=busy)


def expected_cost(plan: Plan, money: Money, direction: Direction) -> float:
    """Bytes that a test of one direction will cost."""
    rate = plan.contract.get(direction)
    guess = plan.max_bytes if rate is None else rate * COST_SECONDS[plan.kind]
    return min(plan.max_bytes, money.cost.get(direction, guess))


def needed(plan: Plan, money: Money, directions: tuple[Direction, ...] = DIRECTIONS) -> float:
    """Bytes that must be there before a test may begin, so that money never cuts it short."""
    return sum(min(plan.max_bytes, _MARGIN * expected_cost(plan, money, way)) for way in directions)


def _due(plan: Plan, money: Money, past: Past, now: datetime) -> bool:
    if now.year < _CLOCK_IS_SET_SINCE or (past.deferred_until is not None and now < past.deferred_until):
        return False
    if past.confirming:
        return True
    cost = sum(expected_cost(plan, money, way) for way in DIRECTIONS)
    often = schedule.affordable(plan.tests_per_day, cost, money.daily)
    return schedule.due(plan.site, now, past.last_test, often.slots, plan.opens, plan.closes, days=often.days)


def is_proven(plan: Plan, line: Line, direction: Direction) -> bool:
    """Whether ordinary traffic has shown the contract in this direction."""
    contract, best = plan.contract.get(direction), line.best.get(direction)
    return contract is not None and best is not None and best >= _PROVEN_SHARE * contract


def is_busy(plan: Plan, line: Line) -> bool:
    """Whether others use more than half of the line."""
    for way in DIRECTIONS:
        capacity, now = line.capacity.get(way, plan.contract.get(way)), line.now.get(way)
        if capacity and now is not None and now > _BUSY_SHARE * capacity:
            return True
    return False
