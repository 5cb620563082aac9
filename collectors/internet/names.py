"""Whether names are found: the uplink's name servers, asked again and again."""

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

from collectors.internet.targets import DNS_COST, Cost, dns_period
from collectors.probes import resolve

_BAD_AFTER = 3


class Spend(Protocol):
    """Takes what a question has cost on the line."""

    def __call__(self, cost: Cost, *, answered: bool) -> None:
        """Up always, down when it was answered."""


class Names:
    """`seconds`: resolver-N -> how long the last answer took, None when there was none."""

    def __init__(self, servers: Sequence[str], name: str, interface: str, spend: Spend) -> None:
        self.servers = servers
        self.seconds: dict[str, float | None] = {}
        self._name, self._interface, self._spend = name, interface, spend
        self.failing_since: float | None = None
        """Monotonic time of the first of the rounds in a row that nobody answered."""
        self._asked = -1e9
        self._failures = 0

    @property
    def answer(self) -> bool | None:
        """False after three rounds in which nobody answered; None before there is evidence."""
        if any(seconds is not None for seconds in self.seconds.values()):
            return True
        return False if self._failures >= _BAD_AFTER else None

    @property
    def well(self) -> bool:
        """Whether the last round was answered, or there is nobody to ask."""
        return self._failures == 0

    def count(self) -> tuple[int, int]:
        """How many answered the last round, of how many."""
        return sum(seconds is not None for seconds in self.seconds.values()), len(self.seconds)

    async def ask_if(self, wrong: bool, *, near_seconds: float, metered: bool) -> None:
        """Ask when it is time, or at once when something looks wrong."""
        if wrong or time.monotonic() - self._asked >= dns_period(near_seconds, metered=metered):
            await self.ask()

    async def ask(self) -> None:
        """One round."""
        self._asked = time.monotonic()
        taken = await asyncio.gather(*(resolve(one, self._name, self._interface) for one in self.servers))
        for seconds in taken:
            self._spend(DNS_COST, answered=seconds is not None)
        self.seconds = {f"resolver-{number}": seconds for number, seconds in enumerate(taken, 1)}
        failed = bool(taken) and all(seconds is None for seconds in taken)
        self._failures = self._failures + 1 if failed else 0
        if not failed:
            self.failing_since = None
        elif self.failing_since is None:
            self.failing_since = self._asked
