"""Mains without a UPS to ask: inferred from a device that hangs on the mains alone.

Whether there is a battery, and how full, nobody knows here: only mains_up is told, 0 or 1, and
absent while nothing can be inferred. An outage is an event that says what it was inferred from.
"""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Protocol, Self

from msgspec import Meta, Struct

from collectors.journal import Journal
from collectors.mains.ping import Ping, Pinged
from collectors.mains.plug import Plug, Plugged
from collectors.mains.verdict import Verdict
from telemetry import catalogue as names
from telemetry.event import Event
from telemetry.reading import Reading, reading

Name = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}\Z")]


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """[[collect.mains]], with [collect.mains.ping] or [collect.mains.plug]."""

    name: Name
    """What people here call the device; the label of its series."""
    ping: Ping | None = None
    plug: Plug | None = None
    interval_seconds: Annotated[float, Meta(ge=1, le=3600)] = 10.0
    """From one reading to the next; what a plug says is read at once."""
    deadline_seconds: Annotated[float, Meta(gt=0, le=120)] = 15.0
    """Give up a reading after this long."""

    def __post_init__(self) -> None:
        if (self.ping is None) == (self.plug is None):
            raise ValueError("one of ping and plug must be given")

    @property
    def instance(self) -> str:
        """The device's name."""
        return self.name


class Witness(Protocol):
    """The device that shows whether mains is there."""

    changed: asyncio.Event | None

    def start(self) -> None:
        """Begin to listen; inside the event loop."""

    def stop(self) -> None:
        """End that."""

    async def look(self, at: datetime) -> Verdict:
        """What is known at `at`; raises CollectError when nothing can be known."""


def build(config: Config, state: Path) -> "Mains":
    """The collector of one device; raises ConfigError for an unreadable secret."""
    witness: Witness
    if config.plug is not None:
        witness, inferred_from = Plugged(config.plug), "plug"
    else:
        assert config.ping is not None
        witness, inferred_from = Pinged(config.ping), "ping"
    return Mains(config, witness, Journal(state / f"mains-{config.name}.json", config.name, inferred_from))


class Mains:
    """Asks one witness and keeps count of its outages."""

    settle_seconds = 2.0

    def __init__(self, config: Config, witness: Witness, journal: Journal) -> None:
        self.changed = witness.changed
        self._name, self._witness, self._journal = config.name, witness, journal

    async def __aenter__(self) -> Self:
        self._witness.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._witness.stop()

    async def collect(self) -> AsyncGenerator[Reading | Event, None]:
        """Mains is there or gone; nothing while that is not known, CollectError when it cannot be known."""
        at = datetime.now(UTC)
        self._journal.tell_time(at)  # before the look: that takes seconds where nobody answers
        verdict = await self._witness.look(at)
        if verdict.mains is None:
            return
        outages = self._journal.outages
        event = outages.see("mains" if verdict.mains else "no_mains", at if outages.since else verdict.since, None)
        for one in self._journal.keep(event):
            yield one
        yield reading(names.MAINS_UP, float(verdict.mains), at, source=self._name)
