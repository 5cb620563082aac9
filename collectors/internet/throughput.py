"""Throughput tests of one uplink: when, of what kind, within which budget, and what came out."""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from collectors.internet import schedule
from collectors.internet.budget import Budget
from collectors.internet.busy import line_is_busy
from collectors.internet.engines import Direction, Request, Result, TestClass
from collectors.internet.engines.child import measure
from collectors.internet.history import CONFIRM_BELOW, History, Kind
from telemetry import catalogue as names
from telemetry.reading import Reading, reading, state_readings

if TYPE_CHECKING:
    from collectors.internet import Config, ThroughputConfig

_log = logging.getLogger(__name__)
_DIRECTIONS: tuple[Direction, ...] = ("down", "up")
_STOPS = ("converged", "sufficient", "cap", "time")
_PUT_OFF_MINUTES, _PUT_OFF_TIMES = (2.0, 15.0), 3


class Throughput:
    """Starts a test when its moment has come; its readings carry the test's own time.

    clean: whether the probes find nothing to blame, so that a poor result is the line's own.
    """

    def __init__(
        self, config: "Config", budget: Budget, history: History, site: str, done: asyncio.Event,
        clean: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._config, self._budget, self._history = config, budget, history
        self._site, self._done, self._clean = site, done, clean
        self._started = time.monotonic()
        self._put_off, self._not_before = 0, datetime.min.replace(tzinfo=UTC)
        self._result: tuple[Result, datetime] | None = None
        self.task: asyncio.Task[None] | None = None

    def start_if_due(self, at: datetime) -> None:
        """Begin a test in the background if its moment has come and the budget allows it."""
        settings = self._config.throughput
        if settings is None or (self.task is not None and not self.task.done()):
            return
        confirming = self._history.confirm_is_due(at)
        if not self._may_start(settings, at) or not (confirming or self._is_due(settings, at)):
            return
        kind = self._affordable(settings, at)
        if kind is None:
            self._budget.count("postponed_budget", at, success=False)
            self._history.lessons.confirm_at = 0.0
            return
        test = self._test(settings, kind, confirming=confirming)
        self.task = asyncio.create_task(test, name=f"throughput/{self._config.name}")

    def _may_start(self, settings: "ThroughputConfig", at: datetime) -> bool:
        hold = schedule.boot_hold_seconds(self._site, settings.hold_after_start_seconds)
        held = time.monotonic() - self._started < hold
        put_off = at < self._not_before < at + timedelta(hours=1)  # else the clock was set
        return not held and not put_off

    def _is_due(self, settings: "ThroughputConfig", at: datetime) -> bool:
        last = self._budget.spent.last_test
        last_test = datetime.fromtimestamp(last, UTC).astimezone() if last else None
        tests = self._history.tests_per_day(settings.tests_per_day)
        return schedule.due(
            self._site, at.astimezone(), last_test, tests, settings.opens_hour, settings.closes_hour
        )  # fmt: skip

    def _affordable(self, settings: "ThroughputConfig", at: datetime) -> Kind | None:
        """The kind that is wanted; a single test where the budget does not reach for a pair, or none."""
        left, one = self._budget.remaining(at), 2 * settings.max_megabytes * 10**6
        if left < one:
            return None
        kind = self._history.next_kind(at)
        if kind == "pair" and left < 2 * one:
            return "sustained" if self._history.bursty else "quick"
        return kind

    async def _test(self, settings: "ThroughputConfig", kind: Kind, *, confirming: bool) -> None:
        if await self._has_to_wait():
            return
        result = await self._pair(settings) if kind == "pair" else await self._measure(settings, kind)
        at = datetime.now(UTC)
        self._history.learned(result)
        poor = self._is_poor(settings, result) and self._clean()
        self._history.tested(at, confirming=confirming, poor=poor, share=random.random())
        self._history.save()
        self._result = (result, at)
        self._done.set()

    async def _pair(self, settings: "ThroughputConfig") -> Result:
        """The sustained one's result; of a line that is not bursty the quick one's, where the other failed."""
        quick = await self._measure(settings, "quick")
        sustained = await self._measure(settings, "sustained")
        self._history.paired(datetime.now(UTC), quick, sustained)
        return quick if sustained.failed and not quick.failed and not self._history.bursty else sustained

    async def _measure(self, settings: "ThroughputConfig", test_class: TestClass) -> Result:
        """One test, charged to the budget; if we are stopped in its middle, for all that it may have cost."""
        request = Request(
            server=settings.server, engine=settings.engine, interface=self._config.interface,
            test_class=test_class, max_bytes=settings.max_megabytes * 10**6, test_id=secrets.token_hex(4),
            contract_down=settings.contract_down_bits_per_second / 8,
            contract_up=settings.contract_up_bits_per_second / 8,
        )  # fmt: skip
        spent: dict[str, int] = dict.fromkeys(_DIRECTIONS, request.max_bytes)
        try:
            result = await measure(request)
            spent = result.spent_bytes
        finally:
            self._budget.spend(datetime.now(UTC), down=spent.get("down", 0), up=spent.get("up", 0))
        self._budget.count(_ending(result), datetime.now(UTC), success=bool(result.down or result.up))
        _log.info(
            "throughput tested uplink=%s class=%s id=%s failed=%s",
            self._config.name,
            test_class,
            request.test_id,
            result.failed,
        )
        return result

    async def _has_to_wait(self) -> bool:
        """A busy line is put off three times, then tested all the same: the engine counts others in."""
        if self._put_off >= _PUT_OFF_TIMES or not await line_is_busy(
            self._config.interface, self._history.lessons.rates
        ):
            self._put_off = 0
            return False
        self._put_off += 1
        self._not_before = datetime.now(UTC) + timedelta(minutes=random.uniform(*_PUT_OFF_MINUTES))
        tests = self._budget.spent.tests
        tests["postponed_busy"] = tests.get("postponed_busy", 0) + 1
        return True

    def _is_poor(self, settings: "ThroughputConfig", result: Result) -> bool:
        promised = {"down": settings.contract_down_bits_per_second / 8, "up": settings.contract_up_bits_per_second / 8}
        found = [(one, promised[way]) for way in _DIRECTIONS if (one := result.measured(way)) and one.stop != "cap"]
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
        for way in _DIRECTIONS:
            found = result.measured(way)
            if not found:
                continue
            own = {"uplink": uplink, "direction": way}
            yield reading(names.NET_THROUGHPUT, found.line_bytes_per_second, at, **own, kind="line")
            yield reading(names.NET_THROUGHPUT, found.own_bytes_per_second, at, **own, kind="own")
            if found.rtt_loaded_seconds is not None:
                yield reading(names.NET_LATENCY_LOADED, found.rtt_loaded_seconds, at, **own)
            if way == "down" and found.rtt_idle_seconds is not None:
                yield reading(names.NET_LATENCY_IDLE, found.rtt_idle_seconds, at, uplink=uplink)


def _ending(result: Result) -> str:
    """The worst of its directions, as the counter's label; a server that is busy has only put it off."""
    if result.failed:
        return "postponed_busy" if set(result.failed.values()) == {"server_busy"} else "failed"
    return max((found.stop for found in (result.down, result.up) if found), key=_STOPS.index, default="failed")
