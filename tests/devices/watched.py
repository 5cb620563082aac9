"""A UPS behind a daemon, read again and again until it is as expected; its events are kept."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from collectors.ups import Config, Ups, build
from telemetry import catalogue as names
from telemetry.errors import CollectError
from telemetry.event import Event
from telemetry.metric import Metric
from telemetry.reading import Reading

PATIENCE_SECONDS = 30.0


class Watched:
    """The collector that a configuration makes, each reading of it a full one."""

    def __init__(
        self, directory: Path, protocol: Literal["nut", "apcupsd"], port: int, nut_name: str = ""
    ) -> None:  # fmt: skip
        config = Config(
            name="rack", host="127.0.0.1", protocol=protocol, port=port, nut_name=nut_name, interval_seconds=0.0
        )
        self.ups: Ups = build(config, directory / "state")
        self.readings: list[Reading] = []
        self.events: list[Event] = []
        self.problem: CollectError | None = None

    async def read(self) -> "Watched":
        self.readings, self.problem = [], None
        try:
            async for one in self.ups.collect():
                if isinstance(one, Event):
                    self.events.append(one)
                else:
                    self.readings.append(one)
        except CollectError as problem:
            self.problem = problem
        return self

    async def until(self, holds: Callable[["Watched"], bool], what: str) -> "Watched":
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds(await self.read()):
            assert time.monotonic() < deadline, f"{what}; it says {self.status} ({self.problem})"
            await asyncio.sleep(0.1)
        return self

    async def until_status(self, status: str) -> "Watched":
        return await self.until(lambda one: one.status == status, f"never {status}")

    async def until_lost(self) -> "Watched":
        """Communication lost: nothing but up = 0 is told."""
        return await self.until(lambda one: one.problem is not None, "never lost")

    @property
    def told(self) -> dict[str, float]:
        """Metric -> value, of the metrics that have one series."""
        return {one.metric.name: one.value for one in self.readings if one.metric is not names.UPS_STATUS}

    @property
    def status(self) -> str | None:
        return next(
            (one.series.labels[1] for one in self.readings if one.metric is names.UPS_STATUS and one.value), None
        )

    @property
    def alarms(self) -> set[str]:
        return {one.series.labels[1] for one in self.readings if one.metric is names.UPS_ALARM}

    def value(self, metric: Metric) -> float | None:
        return self.told.get(metric.name)
