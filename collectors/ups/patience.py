"""A card that refused us is left in peace: what it said is said again until it may be asked again.

So each tick still tells that the card gives nothing, and why; traps cannot hurry it either. A config
that is read again, and a restart, make a new collector, which asks at once.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from collectors.ups.state import UpsState
from telemetry.errors import AccessDenied


class Reader(Protocol):
    """Whoever speaks for a UPS."""

    async def read(self) -> UpsState:
        """Everything, now; raises CollectError."""

    async def read_source(self) -> UpsState:
        """What matters on battery, now; raises CollectError."""

    def close(self) -> None:
        """Release what is open."""


class Patient:
    """A Reader before another, which it does not ask for `retry_after_seconds` after an AccessDenied."""

    def __init__(self, reader: Reader, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader, self._clock = reader, clock
        self._refusal, self._until = "", 0.0

    async def read(self) -> UpsState:
        """As the other's; the AccessDenied also says how often it is asked."""
        return await self._ask(self._reader.read)

    async def read_source(self) -> UpsState:
        """Likewise."""
        return await self._ask(self._reader.read_source)

    def close(self) -> None:
        """Close the other."""
        self._reader.close()

    async def _ask(self, question: Callable[[], Awaitable[UpsState]]) -> UpsState:
        if self._clock() < self._until:
            raise AccessDenied(self._refusal)
        try:
            return await question()
        except AccessDenied as problem:
            wait = problem.retry_after_seconds
            self._until = self._clock() + wait
            self._refusal = f"{problem}; asked again each {wait / 60:.0f} minutes, at once after a reload"
            raise AccessDenied(self._refusal) from problem
