"""Runs each collector on its own clock: jitter, deadline, back-off, wake-up. One never delays another.

The only catch-all of the agent: a bug in a collector costs one tick of that collector.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from collectors import Collector, CollectorConfig
from telemetry.errors import CentreError, CollectError
from telemetry.event import Event
from telemetry.reading import Reading

log = logging.getLogger(__name__)
_BACKOFF_CAP_SECONDS = 60.0
_JITTER_CAP_SECONDS = 5.0


class Tick(Struct, frozen=True):
    """What one collection gave."""

    source: str
    readings: list[Reading]
    events: list[Event]
    interval_seconds: float


HandOn = Callable[[Tick], Awaitable[None]]


class Record(Struct):
    """How a collector has fared; what health tells about it."""

    subject: str
    instance: str
    interval_seconds: float
    up: bool = False
    started: float = 0.0
    last_success: datetime | None = None
    last_attempt: float = 0.0
    duration_seconds: float | None = None
    errors: dict[str, int] = {}
    problem: str = ""

    @property
    def source(self) -> str:
        """Unique among the collectors of an agent."""
        return f"{self.subject}/{self.instance}"


class Task:
    """One collector on its clock."""

    def __init__(self, subject: str, config: CollectorConfig, collector: Collector) -> None:
        self.record = Record(subject, config.instance, config.interval_seconds, started=time.monotonic())
        self._config, self._collector = config, collector
        self._failures = 0

    @property
    def notes(self) -> Any:
        """What the collector has to say beside its readings; for /status.json."""
        return getattr(self._collector, "notes", None)

    async def run(self, hand_on: HandOn, phase: float) -> None:
        """Collect until cancelled; the first time after `phase` (0-1) of the jitter."""
        await asyncio.sleep(phase * min(_JITTER_CAP_SECONDS, self._config.interval_seconds / 2))
        while True:
            try:
                async with self._collector:
                    await self._repeat(hand_on)
            except CentreError as problem:  # it could not even be opened
                self._note(problem.reason if isinstance(problem, CollectError) else "unreachable", str(problem))
            except Exception as problem:  # as in _collect: a bug costs this collector a turn, the others nothing
                log.exception("a collector has a bug source=%s", self.record.source)
                self._note("bug", type(problem).__name__)
            await asyncio.sleep(self._wait_seconds())

    async def _repeat(self, hand_on: HandOn) -> None:
        due = time.monotonic()
        while True:
            await self._once(hand_on)
            if time.monotonic() >= due:  # else urgent news came before: the regular reading keeps its time
                due = max(due + self._wait_seconds(), time.monotonic())
            await self._until(due)

    def _wait_seconds(self) -> float:
        interval = self._config.interval_seconds
        return max(interval, min(_BACKOFF_CAP_SECONDS, interval * 2.0 ** min(self._failures, 6) / 2))

    async def _until(self, due: float) -> None:
        changed = self._collector.changed
        wait = max(0.0, due - time.monotonic())
        if changed is None:
            await asyncio.sleep(wait)
            return
        try:
            async with asyncio.timeout(wait):
                await changed.wait()
        except TimeoutError:
            return
        changed.clear()

    async def _once(self, hand_on: HandOn) -> None:
        begun = time.monotonic()
        tick = Tick(self.record.source, [], [], self._config.interval_seconds)
        reason, problem = await self._collect(tick)
        self.record.last_attempt = time.monotonic()
        self.record.duration_seconds = self.record.last_attempt - begun
        self._note(reason, problem)
        await hand_on(tick)

    async def _collect(self, tick: Tick) -> tuple[str, str]:
        try:
            async with asyncio.timeout(self._config.deadline_seconds), aclosing(self._collector.collect()) as items:
                async for one in items:
                    if isinstance(one, Event):
                        tick.events.append(one)
                    else:
                        tick.readings.append(one)
        except CollectError as problem:
            return problem.reason, str(problem)
        except TimeoutError:
            return "deadline", f"took longer than {self._config.deadline_seconds:g} s"
        except Exception as problem:  # the one catch-all: a bug costs one tick
            log.exception("a collector has a bug source=%s", self.record.source)
            return "bug", type(problem).__name__
        return "", ""

    def _note(self, reason: str, problem: str) -> None:
        record = self.record
        if not reason:
            if not record.up:
                log.info("collector works source=%s", record.source)
            record.up, record.problem, self._failures = True, "", 0
            record.last_success = datetime.now(UTC)
            return
        if record.up or self._failures == 0:
            log.warning("collector fails source=%s reason=%s what=%r", record.source, reason, problem[:160])
        record.up, record.problem = False, f"{reason}: {problem}"[:200]
        record.errors[reason] = record.errors.get(reason, 0) + 1
        self._failures += 1


async def run_all(tasks: Sequence[Task], hand_on: HandOn) -> None:
    """Run every task until cancelled."""
    phase = random.random()  # the agent's own, so that a district is not in step; shared, so that it wakes less often
    async with asyncio.TaskGroup() as group:
        for task in tasks:
            group.create_task(task.run(hand_on, phase), name=task.record.source)
