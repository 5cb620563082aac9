"""Collectors turn devices into readings. They know nothing of MQTT, Prometheus or pages.

A subject is a folder here. Its `__init__.py` offers `Config`, a frozen msgspec Struct that forbids
unknown keys, and `build(config, state)`, which returns a Collector. A subject that is not
configured is never imported.
"""

import asyncio
import importlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Protocol, Self, cast

from telemetry.event import Event
from telemetry.reading import Reading

SUBJECTS = ("host", "internet", "mains", "seats", "ups")


class CollectorConfig(Protocol):
    """What the scheduler reads in every Config."""

    @property
    def instance(self) -> str:
        """Which device of the subject, unique within it; a label value."""

    @property
    def interval_seconds(self) -> float:
        """From one collection to the next."""

    @property
    def deadline_seconds(self) -> float:
        """A collection that takes longer is cancelled."""


class Collector(Protocol):
    """An async context manager with one method.

    `changed`, where set, wakes the scheduler for an urgent collection. A collector may also have
    `notes`, plain data for /status.json that is no reading (raw values that were rejected).
    """

    changed: asyncio.Event | None

    async def __aenter__(self) -> Self:
        """Open sockets and listeners; raises ConfigError if the device can never work so."""

    async def __aexit__(self, *exc: object) -> None:
        """Release what was opened."""

    def collect(self) -> AsyncGenerator[Reading | Event, None]:
        """Yield what can be read now, then raise CollectError for what could not."""


class Subject(Protocol):
    """A collector folder as a module."""

    Config: type[Any]

    def build(self, config: Any, state: Path) -> Collector:
        """The collector of one config section; `state` is a directory of its own to keep things in."""


def load(name: str) -> Subject:
    """The module of a subject; raises KeyError for a name that is not in SUBJECTS."""
    if name not in SUBJECTS:
        raise KeyError(name)
    module: Subject = cast("Subject", importlib.import_module(f"collectors.{name}"))
    return module
