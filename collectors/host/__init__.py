"""The gateway itself: processor, memory, disks, temperature, boot time, clock.

The smallest collector, and the model for the others: a Config, a `build`, one method.
Sources: psutil, adjtimex(2). A file system or sensor that is not there yields nothing.
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Self

import psutil
from msgspec import Meta, Struct

from collectors.kernel_clock import kernel_clock
from telemetry import catalogue as names
from telemetry.errors import BadData
from telemetry.event import Event
from telemetry.reading import Reading, reading

_MAX_SENSORS = 8


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """[collect.host]."""

    interval_seconds: Annotated[float, Meta(ge=1, le=3600)] = 10.0
    """From one reading to the next."""
    deadline_seconds: Annotated[float, Meta(gt=0, le=60)] = 5.0
    """Give up a reading after this long."""
    mounts: tuple[str, ...] = ("/",)
    """File systems whose free space matters."""

    @property
    def instance(self) -> str:
        """There is one host."""
        return "gateway"


def build(config: Config, state: Path) -> "Host":
    """The collector of [collect.host]; it keeps nothing on disk."""
    del state
    return Host(config)


class Host:
    """Reads the machine it runs on."""

    settle_seconds = 1.0  # the share of processor time needs some time to be a share of

    changed: asyncio.Event | None = None

    def __init__(self, config: Config) -> None:
        self._mounts = config.mounts

    async def __aenter__(self) -> Self:
        psutil.cpu_percent()  # the first call only sets the mark that the next one counts from
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass

    async def collect(self) -> AsyncGenerator[Reading | Event, None]:
        """Every value that the machine offers; raises BadData naming the mounts that it does not have."""
        at = datetime.now(UTC)
        memory = psutil.virtual_memory()
        yield reading(names.HOST_CPU, min(psutil.cpu_percent() / 100, 1.0), at)
        yield reading(names.HOST_MEMORY_AVAILABLE, memory.available, at)
        yield reading(names.HOST_MEMORY_TOTAL, memory.total, at)
        yield reading(names.HOST_BOOT, round(psutil.boot_time()), at)
        for one in (*_temperatures(at), *_clock(at)):
            yield one
        missing = []
        for mount in self._mounts:
            free = _free_ratio(mount)
            if free is None:
                missing.append(mount)
            else:
                yield reading(names.HOST_FILESYSTEM_FREE, free, at, mount=_spelt(mount))
        if missing:
            raise BadData(f"no file system at {', '.join(missing)}")


def _spelt(mount: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.:/ -]", "_", mount)[:64]


def _free_ratio(mount: str) -> float | None:
    try:
        usage = psutil.disk_usage(mount)
    except OSError:
        return None
    return usage.free / usage.total if usage.total else None


def _temperatures(at: datetime) -> list[Reading]:
    groups = psutil.sensors_temperatures() if hasattr(psutil, "sensors_temperatures") else {}
    found = {
        _slug(f"{chip}-{entry.label or index}"): entry.current
        for chip, entries in sorted(groups.items())
        for index, entry in enumerate(entries)
        if -40 < entry.current < 150 and entry.current != 0
    }
    return [
        reading(names.HOST_TEMPERATURE, celsius, at, sensor=sensor)
        for sensor, celsius in list(found.items())[:_MAX_SENSORS]
    ]


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:32]


def _clock(at: datetime) -> list[Reading]:
    try:
        clock = kernel_clock()
    except OSError:
        return []
    found = [reading(names.HOST_CLOCK_SYNCHRONISED, float(clock.synchronised), at)]
    if clock.synchronised:  # what nobody disciplines has no known offset
        found.append(reading(names.HOST_CLOCK_OFFSET, clock.offset_seconds, at))
    return found
