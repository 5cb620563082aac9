"""Throughput tests of an uplink: when they run, what they cost, and what a failed one leaves behind."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.demo.far_end import DOWN_BYTES_PER_SECOND
from collectors.internet import Config, ThroughputConfig
from collectors.internet.agenda import Agenda
from collectors.internet.budget import Budget
from collectors.internet.engines import Measured, Request, Result, child
from collectors.internet.history import History
from collectors.internet.throughput import Throughput
from collectors.internet.traffic import Traffic
from stage.process import free_port
from telemetry import catalogue as names
from telemetry.metric import Metric
from telemetry.reading import Reading
from tests.devices import blind
from tests.unit.internet import servers

MEGABYTE = 10**6
Measure = Callable[[Request], Awaitable[Result]]


class Site:
    """One uplink whose line is tested around the clock, and that has had its pair of tests if `paired`."""

    def __init__(
        self, directory: Path, server: str, *, monthly: int = 1500, hold: float = 0.0, paired: bool = True,
        clean: bool = True, contract: int = 20_000_000, measure: Measure = child.measure,
    ) -> None:  # fmt: skip
        settings = ThroughputConfig(
            server, tests_per_day=48, opens_hour=0, closes_hour=24, monthly_megabytes=monthly, max_megabytes=10,
            hold_after_start_seconds=hold, contract_down_bits_per_second=contract,
        )  # fmt: skip
        self.budget = Budget(directory / "budget.json", monthly * MEGABYTE)
        self.done = asyncio.Event()
        config = Config(interface="lo", throughput=settings)
        self.history = History(directory / "tests.json")
        if paired:
            self.history.lessons.first_test = self.history.lessons.last_pair = time.time()
        self.traffic = Traffic("lo")
        self.throughput = Throughput(
            config,
            self.budget,
            self.history,
            "gateway/wan",
            self.done,
            clean=lambda: clean,
            traffic=self.traffic,
            measure=measure,
        )

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
    assert {row[0] for row, value in of(readings, names.NET_THROUGHPUT_CLASS).items() if value} == {"quick"}
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
        site.budget.spend(now, down=83 * MEGABYTE)
        site.throughput.start_if_due(now)
        site.throughput.start_if_due(now)
        assert site.throughput.task is None
        return site

    site = asyncio.run(story())
    readings = site.readings()
    assert of(readings, names.NET_TESTS) == {("postponed_budget",): 1}
    assert of(readings, names.NET_BUDGET)[()] == 17 * MEGABYTE
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
        throughput = Throughput(
            Config(), Budget(tmp_path / "b.json", 10**12), History(tmp_path / "t.json"), "site", asyncio.Event(),
            clean=lambda: True,
        )  # fmt: skip
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


def test_the_first_test_of_a_site_is_a_pair_and_the_sustained_one_is_told(tmp_path: Path) -> None:
    async def story() -> tuple[Site, list[Reading]]:
        async with servers.far_end() as port:
            site = Site(tmp_path, f"http://127.0.0.1:{port}", paired=False)
            before = of(site.readings(), names.NET_BURSTY)
            assert before == {}, "nobody knows yet"
            return site, await site.test_once()

    site, readings = asyncio.run(story())
    assert sum(of(readings, names.NET_TESTS).values()) == 2
    assert {row[0] for row, value in of(readings, names.NET_THROUGHPUT_CLASS).items() if value} == {"sustained"}
    kept = History(tmp_path / "tests.json").lessons
    assert kept.last_pair == pytest.approx(time.time(), abs=60)
    assert kept == site.history.lessons


def test_the_first_sustained_test_of_a_gateway_is_longer_than_those_after_it(tmp_path: Path) -> None:
    asked: list[tuple[str, float]] = []

    async def line(request: Request) -> Result:
        asked.append((request.test_class, request.min_seconds))
        one = Measured(1e6, 1e6, converged=True, stop="converged", seconds=1.0, wire_bytes=1)
        return Result("http", request.server, "lo", request.test_class, down=one, up=one)

    async def story() -> None:
        for start in range(2):
            site = Site(tmp_path, "http://192.0.2.9", paired=False, measure=line)
            site.budget.spent.last_test = 0.0
            if start:
                site.history.lessons.last_pair -= 2 * 86_400.0
            await site.test_once()

    asyncio.run(story())
    assert asked == [("quick", 0), ("sustained", 8), ("quick", 0), ("sustained", 0)]


def test_until_a_sustained_test_has_measured_something_the_next_is_the_long_one(tmp_path: Path) -> None:
    asked: list[float] = []

    async def dead(request: Request) -> Result:
        asked.append(request.min_seconds)
        return Result("http", request.server, "lo", request.test_class, failed={"down": "reset", "up": "reset"})

    async def story() -> None:
        for _ in range(2):
            site = Site(tmp_path, "http://192.0.2.9", paired=False, measure=dead)
            site.budget.spent.last_test = 0.0
            await site.test_once()

    asyncio.run(story())
    assert asked == [0, 8, 0, 8]


@pytest.mark.parametrize(("ratios", "told"), [((3.0, 3.0), False), ((1.0, 1.0), True)], ids=["bursty", "steady"])
def test_half_a_pair_says_nothing_of_a_line_with_bursts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ratios: tuple[float, ...], told: bool
) -> None:
    monkeypatch.setattr(Agenda, "goes_on", lambda *_: False)  # the quick one has cost more than thought

    async def story() -> list[Reading]:
        async with servers.far_end() as port:
            site = Site(tmp_path, f"http://127.0.0.1:{port}", paired=False)
            site.history.lessons.ratios = {"down": ratios}
            return await site.test_once()

    readings = asyncio.run(story())
    assert sum(of(readings, names.NET_TESTS).values()) == 1
    assert bool(of(readings, names.NET_THROUGHPUT)) is told
    assert bool(of(readings, names.NET_THROUGHPUT_CLASS)) is told


def test_a_pair_that_the_budget_does_not_reach_for_is_one_test(tmp_path: Path) -> None:
    async def story() -> Site:
        async with servers.far_end() as port:
            site = Site(tmp_path, f"http://127.0.0.1:{port}", monthly=100, paired=False)
            site.budget.spend(datetime.now(UTC), down=61 * MEGABYTE)
            await site.test_once()
            return site

    site = asyncio.run(story())
    assert sum(site.budget.spent.tests.values()) == 1
    assert site.history.lessons.last_pair == 0


def test_a_bursty_line_is_tested_by_sustained_tests_only(tmp_path: Path) -> None:
    async def story() -> list[Reading]:
        async with servers.far_end() as port:
            site = Site(tmp_path, f"http://127.0.0.1:{port}")
            site.history.lessons.ratios = {"down": (3.0, 3.0)}
            return await site.test_once()

    readings = asyncio.run(story())
    assert {row[0] for row, value in of(readings, names.NET_THROUGHPUT_CLASS).items() if value} == {"sustained"}
    assert of(readings, names.NET_BURSTY) == {(): 1}


@pytest.mark.parametrize(("clean", "confirmed"), [(True, True), (False, False)])
def test_a_poor_result_is_confirmed_once_where_the_probes_blame_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean: bool, confirmed: bool
) -> None:
    """The demo's line of 20 Mbit/s against a contract of 100, without what else this machine sends to itself."""
    monkeypatch.setattr(child, "command", blind.command)

    async def story() -> tuple[float, float, int]:
        async with servers.far_end() as port:
            site = Site(tmp_path, f"http://127.0.0.1:{port}", clean=clean, contract=100_000_000)
            await site.test_once()
            first = site.history.lessons.confirm_at
            if first:
                site.throughput.start_if_due(datetime.fromtimestamp(first - 1, UTC))
                assert site.throughput.task is not None
                assert site.throughput.task.done(), "not yet"
                site.throughput.start_if_due(datetime.fromtimestamp(first + 1, UTC))
                await site.throughput.task
            return first, site.history.lessons.confirm_at, sum(site.budget.spent.tests.values())

    first, later, tests = asyncio.run(story())
    assert bool(first) is confirmed
    assert not first or 600 <= first - time.time() + 60 <= 1260
    assert later == 0, "a confirmation is not confirmed"
    assert tests == (2 if confirmed else 1)


def test_a_test_that_is_stopped_in_its_middle_is_charged_for_all_that_it_may_have_cost(tmp_path: Path) -> None:
    async def story() -> Site:
        async with servers.listening(servers.mute) as port:
            site = Site(tmp_path, f"http://127.0.0.1:{port}")
            site.throughput.start_if_due(datetime.now(UTC))
            assert site.throughput.task is not None
            await asyncio.sleep(0.5)
            site.throughput.task.cancel()
            await asyncio.gather(site.throughput.task, return_exceptions=True)
            return site

    spent = asyncio.run(story()).budget.spent
    assert (spent.down, spent.up) == (10 * MEGABYTE, 10 * MEGABYTE)


def test_a_server_that_is_busy_has_only_put_it_off(tmp_path: Path) -> None:
    async def story() -> list[Reading]:
        busy = servers.saying(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
        async with servers.listening(busy) as port:
            site = Site(tmp_path, f"http://127.0.0.1:{port}")
            return await site.test_once()

    readings = asyncio.run(story())
    (ending,) = of(readings, names.NET_TESTS)
    assert ending[0] in ("postponed_busy", "failed"), "its reset may overtake its word"
    assert of(readings, names.NET_THROUGHPUT) == {}


def test_a_line_that_others_fill_is_left_alone_three_times(tmp_path: Path) -> None:
    async def story() -> Site:
        async with servers.far_end() as port:
            site = Site(tmp_path, f"http://127.0.0.1:{port}")
            site.budget.spent.capacity = {"down": 1.0, "up": 1.0}
            site.traffic.sample(0.0)
            other = asyncio.create_task(reading_on(port))
            await asyncio.sleep(0.2)
            site.traffic.sample(5.0)
            at = datetime.now(UTC)
            for times in range(1, 4):
                site.throughput.start_if_due(at)
                assert site.throughput.task is None
                site.throughput.start_if_due(at)
                assert site.budget.spent.tests == {"postponed_busy": times}, "not before two minutes have gone"
                at += timedelta(minutes=16)
            site.throughput.start_if_due(at)
            assert site.throughput.task is not None
            await site.throughput.task
            other.cancel()
            await asyncio.gather(other, return_exceptions=True)
            return site

    tests = asyncio.run(story()).budget.spent.tests
    assert sum(tests.values()) == 4


async def reading_on(port: int) -> None:
    """Somebody else's download, on the loopback interface."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET /blob HTTP/1.1\r\n\r\n")
        while await reader.read(65536):
            pass
    finally:
        writer.close()
