"""Our UPS collector alone, poll after poll: `... polling SETTINGS`, JSON; a line of JSON at each checkpoint.

A process of its own, of what a gateway has, so that its memory is the collector's. The waits between polls
are left out, but pysnmp lives through them: it forgets by the ticks of its dispatcher (lost requests after
10 s, SNMPv3's clocks of the cards after 300 s), and gets as many as the waits would have had.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from bench.measure.processes import memory
from collectors.journal import Journal
from collectors.snmp import Access, Session
from collectors.ups import Config, Ups, access
from collectors.ups.battery_book import BatteryBook
from collectors.ups.poll import Card
from telemetry.errors import CollectError

_INTERVAL_SECONDS, _TICK_SECONDS = 10.0, 5.0


class Settings(Struct, frozen=True):
    """What the process is told: [[collect.ups]], where its journal goes, after how many polls it reports."""

    ups: dict[str, Any]
    state: str
    checkpoints: tuple[int, ...]


class Checkpoint(Struct, frozen=True):
    """After `polls` polls: how many failed, readings of the last one, and what the process holds.

    Memory in MiB; processor seconds since the start of the process; open files and asyncio's tasks.
    """

    polls: int
    failed: int
    readings: int
    rss: float
    seconds: float
    files: int
    tasks: int


class Hastened(Session):
    """A session whose pysnmp can be told that time has passed."""

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self._now = time.time()

    def pass_time(self, seconds: float) -> None:
        """Tick as often as its dispatcher would have in `seconds`."""
        for _ in range(int(seconds / _TICK_SECONDS)):
            self._now += _TICK_SECONDS
            if self._engine is not None:
                self._engine.transport_dispatcher.handle_timer_tick(self._now)


async def _run(settings: Settings) -> None:
    config = msgspec.convert(settings.ups, Config)
    config = msgspec.structs.replace(config, interval_seconds=0.0)  # each poll is due, and reads everything
    polls = failed = readings = 0
    session = Hastened(access(config))
    state = Path(settings.state)
    journal, book = Journal(state / "journal.json", config.name), BatteryBook(state / "battery.json")
    async with Ups(config, Card(session), journal, book) as ups:
        for target in settings.checkpoints:
            while polls < target:
                try:
                    readings = await _poll(ups)
                except CollectError:
                    failed += 1
                polls += 1
                session.pass_time(_INTERVAL_SECONDS)
            _report(polls, failed, readings)


async def _poll(ups: Ups) -> int:
    async with aclosing(ups.collect()) as readings:
        return len([one async for one in readings])


def _report(polls: int, failed: int, readings: int) -> None:
    found = Checkpoint(
        polls=polls, failed=failed, readings=readings, rss=memory(os.getpid()).resident, seconds=time.process_time(),
        files=len(list(Path("/proc/self/fd").iterdir())), tasks=len(asyncio.all_tasks()),
    )  # fmt: skip
    print(msgspec.json.encode(found).decode(), flush=True)


def command(interpreter: Sequence[str | Path], settings: Settings) -> list[str]:
    """How it is started."""
    return [*map(str, interpreter), "-m", __name__, msgspec.json.encode(settings).decode()]


if __name__ == "__main__":
    asyncio.run(_run(msgspec.convert(json.loads(sys.argv[1]), Settings)))
