"""Throughput tests of one uplink between the decision and the books: when, at what price, over which interface."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from collectors.internet.budget import DAYS_A_MONTH, Budget, seconds_left_in_month
from collectors.internet.decide import DIRECTIONS, Decision, Direction, Line, Money, Past, Plan, decide, needed
from collectors.internet.route import default_route
from collectors.internet.traffic import Rates, Traffic

if TYPE_CHECKING:
    from collectors.internet import Config

log = logging.getLogger(__name__)
_DRAIN_SECONDS = 2.0
"""A queue at the provider holds what our test sent a little longer than the test lasts."""


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

    def decide(self, at: datetime) -> Decision:
        """What to do now; a skip or a deferral is counted here."""
        money, line = self._money(at), self._line()
        last = self._budget.spent.last_test
        past = Past(
            datetime.fromtimestamp(last, UTC).astimezone() if last else None, self._deferrals, self._until
        )  # fmt: skip
        decision = decide(self._plan, money, line, past, at.astimezone())
        if decision.action == "defer":
            self._deferrals, self._until = self._deferrals + 1, decision.until
            self._budget.tally(decision.reason)
        if decision.action == "skip":
            self._budget.count(decision.reason, at, success=False)
        if decision.action in ("skip", "run"):
            self._deferrals, self._until = 0, None
        return decision

    def begin(self, at: datetime, decision: Decision) -> bool:
        """Write down what the test may cost; False when the disk does not take it, which ends the matter."""
        most = {way: self._plan.max_bytes if way in decision.directions else 0 for way in DIRECTIONS}
        if not self._budget.reserve(at, down=most["down"], up=most["up"]):
            log.warning("no throughput test: what it may cost cannot be written down uplink=%s", self._config.name)
            return False
        self._carrier = self._carried(self._config.interface)
        self._running = True
        self.last = {"at": at.isoformat(timespec="seconds"), "busy": decision.busy}
        return True

    def settled(self, result: dict[str, Any]) -> dict[str, Any]:
        """The engine's result, its cost in the books; without its rates if another uplink carried its end."""
        spent = result["spent_bytes"]
        self._budget.settle(datetime.now(UTC), down=int(spent.get("down", 0)), up=int(spent.get("up", 0)))
        before, after = self._carrier, self._carried(self._config.interface)
        self.last["interface"] = before[0]
        if before != after:
            log.warning("a throughput test is discarded: the route changed under it uplink=%s", self._config.name)
            self.last["discarded"] = True
            return {**result, "down": None, "up": None, "discarded": "discarded"}
        self.capped = {way for way in DIRECTIONS if result.get(way) and result[way]["stop"] == "cap"}
        for way in DIRECTIONS:
            if result.get(way):
                self._budget.spent.capacity[way] = float(result[way]["line_bytes_per_second"])
        return result

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

    def _money(self, at: datetime) -> Money:
        costs: dict[Direction, float] = {
            way: cost for way in DIRECTIONS if (cost := self._budget.spent.test_cost.get(way)) is not None
        }
        bare = Money(0.0, 0.0, costs)
        probes_to_come = self.probe_bytes_per_second * seconds_left_in_month(at)
        daily = self._budget.monthly / DAYS_A_MONTH - self.probe_bytes_per_second * 86400
        available = self._budget.available(at, one_test=needed(self._plan, bare), probes_to_come=probes_to_come)
        return Money(available, daily, costs)

    def _line(self) -> Line:
        known = self._budget.spent.capacity
        capacity: dict[Direction, float] = {way: known[way] for way in DIRECTIONS if way in known}
        return Line(_by_way(self._traffic.peaks.best(time.monotonic())), _by_way(self._traffic.now), capacity)


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
