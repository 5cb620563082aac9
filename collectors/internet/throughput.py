"""Throughput tests of one uplink: of what kind, and what came out. When and at what price: agenda.py."""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from collectors.internet import schedule
from collectors.internet.agenda import PAIR, ROUTE_CHANGED, Agenda, Wish
from collectors.internet.budget import Budget
from collectors.internet.decide import DIRECTIONS, Decision
from collectors.internet.engines import INSTALLATION_SECONDS, Request, Result, TestClass
from collectors.internet.engines.child import measure
from collectors.internet.history import CONFIRM_BELOW, History, Kind
from collectors.internet.traffic import Traffic
from telemetry import catalogue as names
from telemetry.reading import Reading, reading, state_readings

if TYPE_CHECKING:
    from collectors.internet import Config, ThroughputConfig

_log = logging.getLogger(__name__)
_STOPS = ("converged", "sufficient", "cap", "time")
_TESTS: dict[Kind, tuple[TestClass, ...]] = {
    "quick": ("quick",),
    "sustained": ("sustained",),
    "pair": PAIR,
    "full": ("sustained",),
}
_PUT_OFF = {frozenset({"server_busy"}): "postponed_busy", frozenset({ROUTE_CHANGED}): "discarded"}


class Throughput:
    """Starts a test when its moment has come; its readings carry the test's own time.

    clean: whether the probes find nothing to blame, so that a poor result is the line's own. measure: asks the
    far end.
    """

    def __init__(
        self, config: "Config", budget: Budget, history: History, site: str, done: asyncio.Event,
        clean: Callable[[], bool], traffic: Traffic | None = None,
        measure: Callable[[Request], Awaitable[Result]] = measure,
    ) -> None:  # fmt: skip
        self._config, self._budget, self._history = config, budget, history
        self._ask = measure
        self._site, self._done, self._clean = site, done, clean
        self._started = time.monotonic()
        self.agenda = Agenda(config, budget, site, traffic)
        self._result: tuple[Result, datetime] | None = None
        self.task: asyncio.Task[None] | None = None

    def start_if_due(self, at: datetime) -> None:
        """Begin a test in the background if its moment has come and the budget allows it."""
        settings = self._config.throughput
        if settings is None or (self.task is not None and not self.task.done()):
            return
        hold = schedule.boot_hold_seconds(self._site, settings.hold_after_start_seconds)
        if time.monotonic() - self._started < hold:
            return
        wish = self._wish(settings, at)
        decision = self.agenda.decide(at, wish)
        if decision.action == "skip":
            self._history.let_go()
        if decision.action == "run" and self.agenda.begin(at, decision):
            test = self._test(settings, decision, wish, at)
            self.task = asyncio.create_task(test, name=f"throughput/{self._config.name}")
            self.task.add_done_callback(self.agenda.ended)

    def _wish(self, settings: "ThroughputConfig", at: datetime) -> Wish:
        history = self._history
        return Wish(
            history.next_kind(at), history.usual, history.tests_per_day(settings.tests_per_day),
            confirming=history.confirm_is_due(at), capped=history.lessons.capped, full_since=history.full_since(at),
        )  # fmt: skip

    async def _test(
        self, settings: "ThroughputConfig", decision: Decision, wish: Wish, begun: datetime
    ) -> None:  # fmt: skip
        started = time.monotonic()
        results = self.agenda.settled([one async for one in self._measured(settings, decision, wish, begun)])
        at = begun + timedelta(seconds=time.monotonic() - started)
        for one in results:
            self._budget.count(_ending(one), at, success=bool(one.down or one.up))
        self._learn(decision, results, at)
        result = self._told(decision, results, at)
        poor = self._is_poor(settings, result) and self._clean()
        self._history.tested(at, confirming=wish.confirming, poor=poor, share=random.random())
        self._history.save()
        self._result = (result, at)
        self._done.set()

    def _learn(self, decision: Decision, results: list[Result], at: datetime) -> None:
        """Which directions end at the cap, or that one of full length was made."""
        if decision.kind == "full":
            self._history.looked_fully(at, results[0])
            return
        for one in results:
            if one.class_ == self._history.usual:
                self._history.looked(one)

    def _told(self, decision: Decision, results: list[Result], at: datetime) -> Result:
        """Of a pair the sustained one; the quick one where the other failed or was too dear, and nothing bursts."""
        if len(results) == 1:
            alone = decision.kind == "pair" and self._history.bursty
            return msgspec.structs.replace(results[0], down=None, up=None) if alone else results[0]
        quick, sustained = results
        self._history.paired(at, quick, sustained)
        return quick if sustained.failed and not quick.failed and not self._history.bursty else sustained

    async def _measured(
        self, settings: "ThroughputConfig", decision: Decision, wish: Wish, begun: datetime
    ) -> AsyncIterator[Result]:  # fmt: skip
        """One test after the other, as far as the money goes; each is paid when it ends."""
        for number, test_class in enumerate(_TESTS[decision.kind]):
            if number and not self.agenda.goes_on(begun, decision, wish, test_class):
                return
            result = await self._measure(settings, decision, test_class)
            self.agenda.paid(begun, "full" if decision.kind == "full" else test_class, result)
            yield result

    async def _measure(self, settings: "ThroughputConfig", decision: Decision, test_class: TestClass) -> Result:
        request = Request(
            server=settings.server, engine=settings.engine, interface=self._config.interface,
            directions=decision.directions, test_class=test_class, max_bytes=self.agenda.most(decision),
            contract_down=settings.contract_down_bits_per_second / 8,
            contract_up=settings.contract_up_bits_per_second / 8, test_id=secrets.token_hex(4),
            min_seconds=INSTALLATION_SECONDS if test_class == "sustained" and self._history.never_sustained else 0.0,
        )  # fmt: skip
        result = await self._ask(request)
        _log.info(
            "throughput tested uplink=%s class=%s id=%s failed=%s",
            self._config.name,
            test_class,
            request.test_id,
            result.failed,
        )
        return result

    def _is_poor(self, settings: "ThroughputConfig", result: Result) -> bool:
        promised = {"down": settings.contract_down_bits_per_second / 8, "up": settings.contract_up_bits_per_second / 8}
        found = [(one, promised[way]) for way in DIRECTIONS if (one := result.measured(way)) and one.stop != "cap"]
        return any(one.line_bytes_per_second < CONFIRM_BELOW * contract for one, contract in found)

    def readings(self, at: datetime) -> Iterator[Reading]:
        """Counters always; rates once, at the time they were measured."""
        uplink = self._config.name
        spent = self._budget.spent
        for way, total in (("down", spent.probe_down), ("up", spent.probe_up)):
            yield reading(names.NET_TEST_BYTES, total, at, uplink=uplink, direction=way, purpose="probe")
        settings = self._config.throughput
        if settings is None:
            return
        yield reading(names.NET_BUDGET, self._budget.remaining(at), at, uplink=uplink)
        for way, total in (("down", spent.total_down), ("up", spent.total_up)):
            yield reading(names.NET_TEST_BYTES, total, at, uplink=uplink, direction=way, purpose="throughput")
        for result, count in spent.tests.items():
            yield reading(names.NET_TESTS, count, at, uplink=uplink, result=result)
        if spent.last_success:
            yield reading(names.NET_THROUGHPUT_LAST, spent.last_success, at, uplink=uplink)
        if self._history.knows_bursts:
            yield reading(names.NET_BURSTY, float(self._history.bursty), at, uplink=uplink)
        for way, promised in (
            ("down", settings.contract_down_bits_per_second),
            ("up", settings.contract_up_bits_per_second),
        ):
            if promised:
                yield reading(names.NET_CONTRACT, promised / 8, at, uplink=uplink, direction=way)
        yield from self._take_result()

    def _take_result(self) -> Iterator[Reading]:
        if self._result is None:
            return
        (result, at), self._result = self._result, None
        uplink = self._config.name
        if result.down or result.up:
            yield from state_readings(names.NET_THROUGHPUT_CLASS, "class", result.class_, at, uplink=uplink)
        for way in DIRECTIONS:
            found = result.measured(way)
            if not found:
                continue
            own = {"uplink": uplink, "direction": way}
            yield reading(names.NET_THROUGHPUT, found.line_bytes_per_second, at, **own, kind="line")
            yield reading(names.NET_THROUGHPUT, found.own_bytes_per_second, at, **own, kind="own")
            yield reading(names.NET_CAPPED, float(found.stop == "cap"), at, **own)
            if found.rtt_loaded_seconds is not None:
                yield reading(names.NET_LATENCY_LOADED, found.rtt_loaded_seconds, at, **own)
            if way == "down" and found.rtt_idle_seconds is not None:
                yield reading(names.NET_LATENCY_IDLE, found.rtt_idle_seconds, at, uplink=uplink)


def _ending(result: Result) -> str:
    """The worst of its directions, as the counter's label; one that says nothing of the line is told apart."""
    if result.failed:
        return _PUT_OFF.get(frozenset(result.failed.values()), "failed")
    return max((found.stop for found in (result.down, result.up) if found), key=_STOPS.index, default="failed")
