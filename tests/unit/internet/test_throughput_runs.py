"""Throughput tests of an uplink: when they run, what they cost, and what a failed one leaves behind."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.demo.far_end import DOWN_BYTES_PER_SECOND
from collectors.internet import Config, ThroughputConfig
from collectors.internet.budget import Budget
from collectors.internet.throughput import Throughput
from stage.process import free_port
from telemetry import catalogue as names
from telemetry.metric import Metric
from telemetry.reading import Reading
from tests.unit.internet import servers

MEGABYTE = 10**6


class Site:
    """One uplink whose line is tested around the clock."""

    def __init__(self, directory: Path, server: str, *, monthly: int = 1500, hold: float = 0.0) -> None:
        settings = ThroughputConfig(
            server, tests_per_day=48, opens_hour=0, closes_hour=24, monthly_megabytes=monthly, max_megabytes=10,
            hold_after_start_seconds=hold, contract_down_bits_per_second=20_000_000,
        )  # fmt: skip
        self.budget = Budget(directory / "budget.json", monthly * MEGABYTE)
        self.done = asyncio.Event()
        config = Config(interface="lo", throughput=settings)
        self.throughput = Throughput(config, self.budget, "gateway/wan", self.done)

    async def test_once(self) -> list[Reading]:
        """Start the test that is due, wait for its end; the readings of the next collection."""
        self.throughput.start_if_due(datetime.now(UTC))
        assert self.throughput.task is not None
        await self.throughput.task
        return self.readings()

    def readings(self) -> list[Reading]:
        return list(self.throughput.readings(datetime.now(UTC)))


def of(readings: list[Reading], metric: Metric) -> dict[tuple[str, ...], float]:
    return {one.series.labels[1:]: one.value for one in readings if one.metric is metric}


def test_a_failed_test_gives_no_rate_and_counts_as_failed(tmp_path: Path) -> None:
    async def story() -> tuple[Site, list[Reading]]:
        site = Site(tmp_path, f"http://127.0.0.1:{free_port()}")
        return site, await site.test_once()

    site, readings = asyncio.run(story())
    assert of(readings, names.NET_TESTS) == {("failed",): 1}
    for metric in (names.NET_THROUGHPUT, names.NET_THROUGHPUT_LAST, names.NET_LATENCY_IDLE, names.NET_LATENCY_LOADED):
        assert of(readings, metric) == {}, metric.name
    assert of(readings, names.NET_CONTRACT) == {("down",): 2_500_000}
    assert site.done.is_set()
    assert site.budget.spent.last_success == 0


def test_a_test_that_works_gives_its_rates_once_at_its_own_time(tmp_path: Path) -> None:
    async def story() -> tuple[Site, list[Reading], list[Reading]]:
        async with servers.far_end() as port:
            site = Site(tmp_path, f"http://127.0.0.1:{port}")
            return site, await site.test_once(), site.readings()

    site, readings, later = asyncio.run(story())
    rates = of(readings, names.NET_THROUGHPUT)
    assert set(rates) == {(way, kind) for way in ("down", "up") for kind in ("line", "own")}
    assert rates["down", "own"] == pytest.approx(DOWN_BYTES_PER_SECOND, rel=0.5), "a shared machine, a paced server"
    (result,) = of(readings, names.NET_TESTS)
    assert result[0] in ("converged", "cap", "time")
    spent = of(readings, names.NET_TEST_BYTES)
    assert spent["down", "throughput"] > 100_000
    assert spent["up", "throughput"] > 100_000
    assert site.budget.remaining(datetime.now(UTC)) < 1500 * MEGABYTE - 200_000
    assert of(readings, names.NET_THROUGHPUT_LAST)[()] == pytest.approx(time.time(), abs=60)
    assert of(later, names.NET_THROUGHPUT) == {}, "a rate is told once"
    assert of(later, names.NET_TESTS) == {result: 1}, "a counter always"


def test_a_test_that_was_just_made_is_not_made_again(tmp_path: Path) -> None:
    async def story() -> Site:
        site = Site(tmp_path, f"http://127.0.0.1:{free_port()}")
        await site.test_once()
        first = site.throughput.task
        for seconds in range(0, 60, 10):
            now = datetime.fromtimestamp(site.budget.spent.last_test, UTC)
            site.throughput.start_if_due(now - timedelta(seconds=seconds))
        assert site.throughput.task is first
        return site

    assert asyncio.run(story()).budget.spent.tests == {"failed": 1}


def test_a_budget_that_does_not_reach_for_both_directions_postpones_the_test_once_a_slot(tmp_path: Path) -> None:
    async def story() -> Site:
        site = Site(tmp_path, f"http://127.0.0.1:{free_port()}", monthly=100)
        now = datetime.now(UTC)
        site.budget.spend(now, down=81 * MEGABYTE)
        site.throughput.start_if_due(now)
        site.throughput.start_if_due(now)
        assert site.throughput.task is None
        return site

    site = asyncio.run(story())
    readings = site.readings()
    assert of(readings, names.NET_TESTS) == {("postponed_budget",): 1}
    assert of(readings, names.NET_BUDGET)[()] == 19 * MEGABYTE
    assert of(readings, names.NET_THROUGHPUT) == {}


def test_just_enough_budget_is_enough(tmp_path: Path) -> None:
    async def story() -> Site:
        site = Site(tmp_path, f"http://127.0.0.1:{free_port()}", monthly=100)
        site.budget.spend(datetime.now(UTC), down=80 * MEGABYTE)
        await site.test_once()
        return site

    assert asyncio.run(story()).budget.spent.tests == {"failed": 1}


def test_after_a_start_the_site_waits_its_own_part_of_the_hold(tmp_path: Path) -> None:
    async def story() -> None:
        site = Site(tmp_path, f"http://127.0.0.1:{free_port()}", hold=86_400)
        site.throughput.start_if_due(datetime.now(UTC))
        assert site.throughput.task is None

    asyncio.run(story())


def test_without_a_section_nothing_is_tested_and_no_budget_is_told(tmp_path: Path) -> None:
    async def story() -> list[Reading]:
        throughput = Throughput(Config(), Budget(tmp_path / "b.json", 10**12), "site", asyncio.Event())
        throughput.start_if_due(datetime.now(UTC))
        assert throughput.task is None
        return list(throughput.readings(datetime.now(UTC)))

    assert {one.metric.name for one in asyncio.run(story())} == {names.NET_TEST_BYTES.name}


def breaking_off(count: int) -> servers.Talk:
    """Sends so many bytes of a blob that should be longer, then closes."""
    return servers.saying(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n" + bytes(count))


FAILURES: list[Callable[[], AbstractAsyncContextManager[int]]] = [
    lambda: servers.listening(servers.saying(b"HTTP/1.1 403 Forbidden\r\n\r\n")),
    lambda: servers.listening(servers.saying(b"")),
]


@pytest.mark.parametrize("server", FAILURES)
def test_a_server_that_refuses_in_words_gives_no_rate_either(
    tmp_path: Path, server: Callable[[], AbstractAsyncContextManager[int]]
) -> None:
    async def story() -> list[Reading]:
        async with server() as port:
            return await Site(tmp_path, f"http://127.0.0.1:{port}").test_once()

    readings = asyncio.run(story())
    assert of(readings, names.NET_TESTS) == {("failed",): 1}
    assert of(readings, names.NET_THROUGHPUT) == {}


def test_a_test_that_breaks_off_is_charged_for_what_came(tmp_path: Path) -> None:
    """Else a far end that breaks off late empties a metered line without end."""

    async def story() -> Site:
        async with servers.listening(breaking_off(3 * MEGABYTE)) as port:
            site = Site(tmp_path, f"http://127.0.0.1:{port}")
            await site.test_once()
            return site

    site = asyncio.run(story())
    assert site.budget.spent.tests == {"failed": 1}
    assert site.budget.spent.down >= 3 * MEGABYTE
