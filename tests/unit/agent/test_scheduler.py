"""Each collector on its own clock: late, broken or silent, it costs nobody but itself."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Self

import pytest
from msgspec import Struct

from agent.demo import ups
from agent.demo.card import Card
from agent.scheduler import Record, Task, Tick, run_all
from collectors.snmp import Session
from telemetry import catalogue as names
from telemetry.errors import BadData, ConfigError, TimedOut
from telemetry.event import Event
from telemetry.reading import Reading, reading
from tests.devices.cards import access
from tests.devices.collector import collector

QUICK = 139
"""A seed whose first jitter is close to nothing."""


class Every(Struct, frozen=True):
    """What the scheduler reads in a Config."""

    interval_seconds: float = 0.02
    deadline_seconds: float = 0.5
    instance: str = "rack"


class Scripted:
    """A collector that does one thing after another, the last of them for ever."""

    def __init__(self, *script: Callable[[], Awaitable[None] | None], opening: Sequence[Exception] = ()) -> None:
        self.changed: asyncio.Event | None = None
        self.begun: list[float] = []
        self.opened = self.closed = 0
        self._script, self._opening = script, list(opening)

    async def __aenter__(self) -> Self:
        self.opened += 1
        if self._opening:
            raise self._opening.pop(0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.closed += 1

    async def collect(self) -> AsyncIterator[Reading | Event]:
        self.begun.append(time.monotonic())
        step = self._script[min(len(self.begun), len(self._script)) - 1]
        yield reading(names.UPS_UP, len(self.begun), datetime.now(UTC), ups="rack")
        waiting = step()
        if waiting is not None:
            await waiting


def works() -> None:
    """Nothing to complain about."""


def fails() -> None:
    raise TimedOut("no answer")


def breaks() -> None:
    raise ZeroDivisionError("a member's name")


async def hangs() -> None:
    await asyncio.Event().wait()


def _task(collector: Scripted, every: Every | None = None) -> Task:
    random.seed(QUICK)
    return Task("ups", every or Every(), collector)


def _run(tasks: list[Task], until: Callable[[list[Tick]], bool], *, seconds: float = 5.0) -> list[Tick]:
    """Every tick handed on until `until` says so."""
    ticks: list[Tick] = []

    async def run() -> None:
        done = asyncio.Event()

        async def hand_on(tick: Tick) -> None:
            ticks.append(tick)
            if until(ticks):
                done.set()

        running = asyncio.create_task(run_all(tasks, hand_on))
        waiting = asyncio.create_task(done.wait())
        try:
            async with asyncio.timeout(seconds):
                await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (running, waiting):
                one.cancel()
            ended = await asyncio.gather(running, waiting, return_exceptions=True)
        if isinstance(ended[0], BaseExceptionGroup):
            raise ended[0]

    asyncio.run(run())
    return ticks


def _values(ticks: list[Tick]) -> list[float]:
    return [one.value for tick in ticks for one in tick.readings]


def test_ticks_come_with_their_source_and_interval() -> None:
    (tick,) = _run([_task(Scripted(works))], lambda ticks: len(ticks) == 1)
    assert (tick.source, tick.interval_seconds, _values([tick])) == ("ups/rack", 0.02, [1])


def test_a_collector_that_works_is_up_and_has_no_problem() -> None:
    task = _task(Scripted(works))
    _run([task], lambda ticks: len(ticks) == 2)
    record = task.record
    assert (record.up, record.problem, record.errors) == (True, "", {})
    assert record.last_success is not None
    assert record.duration_seconds is not None


@pytest.mark.parametrize(
    ("step", "reason", "problem"),
    [
        (fails, "timed_out", "timed_out: no answer"),
        (hangs, "deadline", "deadline: took longer than 0.05 s"),
        (breaks, "bug", "bug: ZeroDivisionError"),
    ],
)
def test_a_failure_costs_one_tick_and_is_counted_under_its_reason(
    step: Callable[[], Awaitable[None] | None], reason: str, problem: str
) -> None:
    task = _task(Scripted(works, step, works), Every(deadline_seconds=0.05))
    seen: list[tuple[bool, str]] = []

    def until(ticks: list[Tick]) -> bool:
        seen.append((task.record.up, task.record.problem))
        return len(ticks) == 3

    ticks = _run([task], until)
    assert _values(ticks) == [1, 2, 3]  # what was read before the failure is kept
    assert task.record.errors == {reason: 1}
    assert seen == [(True, ""), (False, problem), (True, "")]


def test_failures_are_put_off_longer_and_longer_and_success_ends_that() -> None:
    collector = Scripted(fails, fails, fails, fails, works)
    task = _task(collector)
    _run([task], lambda ticks: len(ticks) == 7)
    gaps = [later - earlier for earlier, later in zip(collector.begun, collector.begun[1:], strict=False)]
    assert gaps[1] >= 0.04 * 0.9
    assert gaps[2] >= 0.08 * 0.9
    assert gaps[3] >= 0.16 * 0.9
    assert gaps[5] < gaps[3]
    assert task.record.errors == {"timed_out": 4}


def test_a_collector_that_cannot_be_opened_yet_is_counted_and_opened_again() -> None:
    collector = Scripted(works, opening=[BadData("not yet"), ConfigError("f", "$", "never so")])
    task = _task(collector)
    _run([task], lambda ticks: len(ticks) == 1)
    assert (collector.opened, task.record.errors) == (3, {"bad_data": 1, "unreachable": 1})


@pytest.mark.parametrize("bug", [RuntimeError("bug"), OSError(98, "address in use")])
def test_a_bug_while_opening_costs_that_collector_and_no_other(bug: Exception) -> None:
    broken, other = Scripted(works, opening=[bug]), Scripted(works)
    tasks = [_task(broken), Task("host", Every(instance="gateway"), other)]
    ticks = _run(tasks, lambda ticks: {tick.source for tick in ticks} == {"ups/rack", "host/gateway"})
    assert {tick.source for tick in ticks} == {"ups/rack", "host/gateway"}
    assert sum(tasks[0].record.errors.values()) == 1


def test_a_collector_is_closed_when_the_agent_ends() -> None:
    collector = Scripted(works)
    _run([_task(collector)], lambda ticks: len(ticks) == 1)
    assert (collector.opened, collector.closed) == (1, 1)


def _woken(collector: Scripted, every: Every, times: int, then: int, *, seconds: float) -> int:
    """Wake the collector after each of its first ticks; how many ticks came in all, up to times + then + 1."""
    count = 0

    async def run() -> None:
        nonlocal count
        collector.changed = asyncio.Event()
        enough = asyncio.Event()

        async def hand_on(_: Tick) -> None:
            nonlocal count
            count += 1
            if count <= times and collector.changed is not None:
                collector.changed.set()
            if count > times + then:
                enough.set()

        running = asyncio.create_task(run_all([_task(collector, every)], hand_on))
        try:
            async with asyncio.timeout(seconds):
                await enough.wait()
        except TimeoutError:
            pass
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
    return count


def test_urgent_news_is_collected_at_once() -> None:
    assert _woken(Scripted(works), Every(interval_seconds=60), times=3, then=0, seconds=1.0) == 4


def test_urgent_news_ends_a_back_off() -> None:
    assert _woken(Scripted(fails), Every(interval_seconds=60), times=3, then=0, seconds=1.0) == 4


def test_much_urgent_news_does_not_put_off_what_is_regular() -> None:
    # A busy morning of seat sensors, then silence: the next regular reading still comes in time.
    assert _woken(Scripted(works), Every(interval_seconds=0.3), times=20, then=2, seconds=2.0) == 23


def test_one_silent_ups_never_delays_another() -> None:
    living, dead = Card(ups.identity() | ups.on_mains()), Card({})
    dead.silent = True
    records: list[Record] = []

    async def run() -> list[Tick]:
        ticks: list[Tick] = []
        enough = asyncio.Event()

        async def hand_on(tick: Tick) -> None:
            ticks.append(tick)
            if len([one for one in ticks if one.source == "ups/living"]) >= 8:
                enough.set()

        tasks = []
        for name, card in (("dead", dead), ("living", living)):
            port = await card.serve()
            every = Every(interval_seconds=0.1, deadline_seconds=30, instance=name)
            tasks.append(Task("ups", every, collector(name, Session(access(port, timeout=1.5)))))
        records.extend(task.record for task in tasks)
        running = asyncio.create_task(run_all(tasks, hand_on))
        async with asyncio.timeout(2.8):  # less than the dead card's first timeout of 2 x 1.5 s
            await enough.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        for card in (dead, living):
            card.close()
        return ticks

    ticks = asyncio.run(run())
    assert {tick.source for tick in ticks} == {"ups/living"}
    assert all(any(one.metric is names.UPS_CHARGE for one in tick.readings) for tick in ticks)
    assert [record.up for record in records] == [False, True]
