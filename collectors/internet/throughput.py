"""Throughput tests of one uplink: when, within which budget, and what came out."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from collectors.internet import schedule
from collectors.internet.budget import Budget
from collectors.internet.engines import Request, Result
from collectors.internet.engines.child import measure
from telemetry import catalogue as names
from telemetry.reading import Reading, reading

if TYPE_CHECKING:
    from collectors.internet import Config

_STOPS = ("converged", "sufficient", "cap", "time")


class Throughput:
    """Starts a test when its moment has come; its readings carry the test's own time."""

    def __init__(self, config: "Config", budget: Budget, site: str, done: asyncio.Event) -> None:
        self._config, self._budget, self._site, self._done = config, budget, site, done
        self._started = time.monotonic()
        self._result: tuple[Result, datetime] | None = None
        self.task: asyncio.Task[None] | None = None

    def start_if_due(self, at: datetime) -> None:
        """Begin a test in the background if its moment has come and the budget allows it."""
        settings = self._config.throughput
        if settings is None or (self.task is not None and not self.task.done()):
            return
        hold = schedule.boot_hold_seconds(self._site, settings.hold_after_start_seconds)
        last = self._budget.spent.last_test
        last_test = datetime.fromtimestamp(last, UTC).astimezone() if last else None
        hours = (settings.tests_per_day, settings.opens_hour, settings.closes_hour)
        if time.monotonic() - self._started < hold or not schedule.due(self._site, at.astimezone(), last_test, *hours):
            return
        if self._budget.remaining(at) < 2 * settings.max_megabytes * 10**6:
            self._budget.count("postponed_budget", at, success=False)
            return
        self.task = asyncio.create_task(self._test(), name=f"throughput/{self._config.name}")

    async def _test(self) -> None:
        settings = self._config.throughput
        assert settings is not None
        request = Request(
            server=settings.server, engine=settings.engine, interface=self._config.interface,
            max_bytes=settings.max_megabytes * 10**6,
        )  # fmt: skip
        result = await measure(request)
        at = datetime.now(UTC)
        for direction in ("down", "up"):
            spent = result.spent_bytes.get(direction, 0)
            self._budget.spend(at, down=spent if direction == "down" else 0, up=spent if direction == "up" else 0)
        stops = [found.stop for found in (result.down, result.up) if found]
        worst = "failed" if result.failed or not stops else max(stops, key=_STOPS.index)
        self._budget.count(worst, at, success=bool(stops))
        self._result = (result, at)
        self._done.set()

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
        for way, found in (("down", result.down), ("up", result.up)):
            if not found:
                continue
            own = {"uplink": uplink, "direction": way}
            yield reading(names.NET_THROUGHPUT, found.line_bytes_per_second, at, **own, kind="line")
            yield reading(names.NET_THROUGHPUT, found.own_bytes_per_second, at, **own, kind="own")
            if found.rtt_loaded_seconds is not None:
                yield reading(names.NET_LATENCY_LOADED, found.rtt_loaded_seconds, at, **own)
            if way == "down" and found.rtt_idle_seconds is not None:
                yield reading(names.NET_LATENCY_IDLE, found.rtt_idle_seconds, at, uplink=uplink)
