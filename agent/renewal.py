"""Renews the certificate at two thirds of its life, in a child process: the daemon loads no crypto library.

A collector whose device is the enrol server: the scheduler gives it its clock, counts its failures and
tells health. It never touches the pair in use (agent/identity.py).
"""

import asyncio
import contextlib
import random
import sys
from collections.abc import AsyncGenerator, Callable
from datetime import datetime, timedelta
from typing import Self

from msgspec import Struct

from agent.certificate import Life
from agent.identity import Identity, now_utc
from telemetry.errors import AccessDenied, BadData, CollectError, Unreachable
from telemetry.event import Event
from telemetry.reading import Reading

_LONGEST_WAIT = timedelta(days=1)
_ERRORS: dict[int, type[CollectError]] = {4: Unreachable, 5: AccessDenied, 6: Unreachable, 8: AccessDenied}
_SAID_BYTES = 400
_NO_READINGS: tuple[Reading, ...] = ()


class RenewalConfig(Struct, frozen=True):
    """How often to look; not in the file. Hourly for a certificate of a year, oftener for a shorter one."""

    interval_seconds: float
    deadline_seconds: float = 120.0
    instance: str = "identity"


def renewal_config(identity: Identity) -> RenewalConfig:
    """From the life of the certificate that there is."""
    life = identity.life()
    seconds = (life.end - life.begin).total_seconds() / 60 if life else 3600.0
    return RenewalConfig(min(3600.0, max(1.0, seconds)))


class Renewal:
    """Yields nothing; raises CollectError while the certificate should have been renewed and is not."""

    changed: asyncio.Event | None = None

    def __init__(self, identity: Identity, every_seconds: float, clock: Callable[[], datetime] = now_utc) -> None:
        self._identity, self._clock = identity, clock
        self._first_wait = timedelta(seconds=every_seconds)
        self._failures, self._made = 0, False
        self._again: datetime | None = None
        self._problem: CollectError | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass

    async def collect(self) -> AsyncGenerator[Reading | Event, None]:
        """Renew if it is time."""
        for one in _NO_READINGS:
            yield one
        life, now = self._identity.life(), self._clock()
        if life is None or not self._identity.own or not due(life, now):
            self._again, self._problem, self._failures, self._made = None, None, 0, False
            return
        if self._identity.untried:  # the uplink comes to it within a minute
            return
        if self._again is None or now >= self._again:
            self._problem = await self._attempt(life, now)
            wait = min(_LONGEST_WAIT, self._first_wait * 2 ** min(self._failures, 16))
            self._again = now + wait * random.uniform(0.75, 1.25)
            self._failures += 1
        if self._problem is not None:
            raise self._problem

    async def _attempt(self, life: Life, now: datetime) -> CollectError | None:
        """None when a new pair waits to be tried by the uplink."""
        until = f"until {life.end:%Y-%m-%d %H:%M} UTC"
        if life.end <= now:
            return AccessDenied(f"the certificate was good {until}: enrol again with a new token")
        url = self._identity.renewal_url()
        if not url:
            return BadData(f"the certificate is good {until} and nobody said where to renew it: [uplink] enrol_url")
        code, said = await _child("--renew", "--url", url, "--state", str(self._identity.folder.path.parent))
        if code == 0 and not self._made:
            self._made = True
            return None
        if code == 0:
            said = "the broker did not take the new one"
        return _ERRORS.get(code, BadData)(f"the certificate is good {until} and is not renewed: {said}")


def due(life: Life, now: datetime) -> bool:
    """After two thirds of its life and up to a twentieth more: a country that enrolled in one week renews in many.

    Before its beginning the clock is wrong, and nothing is due.
    """
    whole = life.end - life.begin
    spread = random.Random(life.serial).uniform(0, 0.05)
    return now >= life.begin + whole * (2 / 3 + spread)


async def _child(*words: str) -> tuple[int, str]:
    """Exit code and last words of `centre-agent enrol`; ended with us when the scheduler ends the wait."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agent", "enrol", *words,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:  # cancelled: at the deadline, or because the daemon ends
            with contextlib.suppress(ProcessLookupError):
                process.kill()
    lines = said.decode("utf-8", "replace").strip().splitlines() or [""]
    return process.returncode or 0, lines[-1][:_SAID_BYTES]
