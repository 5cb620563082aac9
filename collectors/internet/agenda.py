"""Throughput tests of one uplink between the decision and the books: when, at what price, over which interface."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct

from collectors.internet.budget import DAYS_A_MONTH, Budget, seconds_left_in_month
from collectors.internet.decide import DIRECTIONS, Decision, Line, Money, Past, Plan, decide, needed
from collectors.internet.engines import Direction, Result, TestClass
from collectors.internet.full import Full, decide_full, full_length, known_rates
from collectors.internet.history import Kind
from collectors.internet.route import default_route
from collectors.internet.traffic import Rates, Traffic

if TYPE_CHECKING:
    from collectors.internet import Config

log = logging.getLogger(__name__)
_DRAIN_SECONDS = 2.0
"""A queue at the provider holds what our test sent a little longer than the test lasts."""

ROUTE_CHANGED = "route_changed"
PAIR: tuple[TestClass, ...] = ("quick", "sustained")
Price = Literal["quick", "sustained", "full"]
"""What has a price of its own."""


class Wish(Struct, frozen=True):
    """What the next test should be. usual: its kind where the money does not reach for a pair.

    tests_per_day: 0 is as configured. capped, full_since: the directions that want a full-length test, and since when
    it is saved for, Unix time.
    """

    kind: Kind = "quick"
    usual: TestClass = "quick"
    tests_per_day: int = 0
    confirming: bool = False
    capped: tuple[Direction, ...] = ()
    full_since: float = 0.0


_USUAL = Wish()


class Agenda:
    """Gathers what `decide` needs, keeps its deferrals, and settles each test with the budget.

    `probe_bytes_per_second` is what the uplink's probes cost while all is well.
    """

    def __init__(
        self, config: "Config", budget: Budget, site: str, traffic: Traffic | None = None,
        carried: Callable[[str], tuple[str, str]] | None = None,
    ) -> None:  # fmt: skip
        self._config, self._budget, self._traffic = config, budget, traffic or Traffic(config.interface)
        self._carried = carried or carried_by
        self._plan = _plan(config, site)
        self._deferrals = 0
        self._until: datetime | None = None
        self._carrier: tuple[str, str] = ("", "")
        self._running = False
        self._drained = 0.0
        self.probe_bytes_per_second = 0.0
        self.capped: set[Direction] = set()
        """Directions in which the last test was cut short by its cap: the line may be faster than it said."""
        self.last: dict[str, Any] = {}
        """The last test in plain words, for /status.json."""

    def decide(self, at: datetime, wish: Wish = _USUAL) -> Decision:
        """What to do now; a skip or a deferral is counted here."""
        plan, line = self._plan_of(wish.usual, wish.tests_per_day), self._line()
        full = self._full(wish, plan, line)
        money = self._money(at, plan, full)
        last = self._budget.spent.last_test
        past = Past(
            datetime.fromtimestamp(last, UTC).astimezone() if last else None, self._deferrals, self._until,
            wish.confirming,
        )  # fmt: skip
        decision = decide(plan, money, line, past, at.astimezone())
        if decision.action == "run" and wish.kind == "pair":
            decision = self._pair_if_it_is_paid(decision, money)
        elif decision.action == "wait" and full is not None:
            everything = msgspec.structs.replace(money, available=money.available + full.aside(at))
            decision = decide_full(full, plan, everything, line, past, at.astimezone())
        if decision.action == "defer":
            self._deferrals, self._until = self._deferrals + 1, decision.until
            self._budget.tally(decision.reason)
        if decision.action == "skip":
            self._budget.count(decision.reason, at, success=False)
        if decision.action in ("skip", "run"):
            self._deferrals, self._until = 0, None
        return decision

    def begin(self, at: datetime, decision: Decision) -> bool:
        """Write down what the (first) test may cost; False when the disk does not take it, which ends the matter."""
        if not self._reserve(at, decision):
            return False
        self._carrier = self._carried(self._config.interface)
        self._running = True
        self.last = {"at": at.isoformat(timespec="seconds"), "busy": decision.busy}
        return True

    def most(self, decision: Decision) -> int:
        """Bytes that one test may cost in one direction."""
        return decision.full_bytes or self._plan.max_bytes

    def paid(self, at: datetime, kind: Price, result: Result) -> None:
        """One test has ended: its cost in the books."""
        down, up = (result.spent_bytes.get(way, 0) for way in DIRECTIONS)
        self._budget.settle(at, down=down, up=up, kind=kind)

    def goes_on(self, at: datetime, decision: Decision, wish: Wish, test_class: TestClass) -> bool:
        """Whether the money still reaches for the other test of a pair: the first may have cost more than thought.

        So a month ends over its budget by one test at most. What the test may cost is then written down.
        """
        plan = self._plan_of(test_class)
        money = self._money(at, plan, self._full(wish, plan, self._line()))
        return money.available >= needed(plan, money, decision.directions) and self._reserve(at, decision)

    def settled(self, results: Sequence[Result]) -> list[Result]:
        """The engine's results; without their rates if another uplink carried the end."""
        before, after = self._carrier, self._carried(self._config.interface)
        self.last["interface"] = before[0]
        if before != after:
            log.warning("a throughput test is discarded: the route changed under it uplink=%s", self._config.name)
            self.last["discarded"] = True
            return [_discarded(result) for result in results]
        last = {way: found for result in results for way in DIRECTIONS if (found := result.measured(way))}
        self.capped = {way for way, found in last.items() if found.stop == "cap"}
        for way, found in last.items():
            self._budget.spent.capacity[way] = found.line_bytes_per_second
        return list(results)

    def ended(self, _: "asyncio.Task[None]") -> None:
        """The task of the test is over; one that was cut off is charged for all that it might have cost."""
        self._budget.charge_reserved()
        self._running, self._drained = False, time.monotonic() + _DRAIN_SECONDS

    def loading(self) -> bool:
        """Whether our own test fills the line, or did a moment ago."""
        return self._running or time.monotonic() < self._drained

    def contract(self, direction: str) -> float | None:
        """Bytes per second that were bought, where known."""
        return next((rate for way, rate in self._plan.contract.items() if way == direction), None)

    def notes(self) -> dict[str, Any]:
        """For /status.json."""
        return {**self.last, "deferrals": self._deferrals}

    def _reserve(self, at: datetime, decision: Decision) -> bool:
        most = {way: self.most(decision) if way in decision.directions else 0 for way in DIRECTIONS}
        if self._budget.reserve(at, down=most["down"], up=most["up"]):
            return True
        log.warning("no throughput test: what it may cost cannot be written down uplink=%s", self._config.name)
        return False

    def _plan_of(self, kind: TestClass, tests_per_day: int = 0) -> Plan:
        return msgspec.structs.replace(
            self._plan, kind=kind, tests_per_day=tests_per_day or self._plan.tests_per_day
        )  # fmt: skip

    def _pair_if_it_is_paid(self, decision: Decision, money: Money) -> Decision:
        """A pair is two tests at one moment, each with its price."""
        price = sum(
            needed(self._plan_of(one), Money(0.0, 0.0, self._costs(one)), decision.directions) for one in PAIR
        )  # fmt: skip
        return msgspec.structs.replace(decision, kind="pair") if money.available >= price else decision

    def _full(self, wish: Wish, plan: Plan, line: Line) -> Full | None:
        """What may be saved for; nothing is, where each byte is paid for."""
        if self._config.metered or not wish.capped:
            return None
        rates = known_rates(plan, line)
        return full_length(wish.capped, self._costs("full"), rates, self._daily(), wish.full_since)

    def _daily(self) -> float:
        """Bytes a day that probing leaves for tests."""
        return self._budget.monthly / DAYS_A_MONTH - self.probe_bytes_per_second * 86400

    def _costs(self, kind: Price) -> dict[Direction, float]:
        return {way: cost for way in DIRECTIONS if (cost := self._budget.test_cost(way, kind)) is not None}

    def _money(self, at: datetime, plan: Plan, full: Full | None = None) -> Money:
        """For a usual test, beside what is put aside for one of full length."""
        aside, daily = (full.aside(at), full.daily) if full else (0.0, 0.0)
        costs = self._costs(plan.kind)
        bare = Money(0.0, 0.0, costs)
        probes_to_come = self.probe_bytes_per_second * seconds_left_in_month(at)
        one_test = needed(plan, bare) + aside
        available = self._budget.available(at, one_test=one_test, probes_to_come=probes_to_come)
        return Money(available - aside, self._daily() - daily, costs)

    def _line(self) -> Line:
        known = self._budget.spent.capacity
        capacity: dict[Direction, float] = {way: known[way] for way in DIRECTIONS if way in known}
        return Line(_by_way(self._traffic.peaks.best(time.monotonic())), _by_way(self._traffic.now), capacity)


def _discarded(result: Result) -> Result:
    measured = {way: ROUTE_CHANGED for way in DIRECTIONS if result.measured(way)}
    return msgspec.structs.replace(result, down=None, up=None, failed={**result.failed, **measured})


def carried_by(interface: str) -> tuple[str, str]:
    """Interface and gateway by which the uplink leaves now; empty where there is no way."""
    route = default_route(interface=interface)
    return (route.interface, route.gateway) if route else (interface, "")


def _plan(config: "Config", site: str) -> Plan:
    settings = config.throughput
    if settings is None:
        return Plan(site, 1, 0, 24, 0)
    promised: dict[Direction, int] = {
        "down": settings.contract_down_bits_per_second, "up": settings.contract_up_bits_per_second,
    }  # fmt: skip
    return Plan(
        site, settings.tests_per_day, settings.opens_hour, settings.closes_hour, settings.max_megabytes * 10**6,
        {way: bits / 8 for way, bits in promised.items() if bits},
    )  # fmt: skip


def _by_way(rates: Rates | None) -> dict[Direction, float]:
    return {"down": rates.down, "up": rates.up} if rates else {}
