"""The agent's own readings, its verdict on itself, and its word to systemd."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any, Self

from msgspec import Struct

from agent import VERSION
from agent.heartbeat import Heartbeat
from agent.identity import Identity
from agent.outbox import Outbox
from agent.scheduler import Record
from agent.uplink import Uplink
from telemetry import catalogue as names
from telemetry.event import Event
from telemetry.reading import Reading, reading

_LATE_INTERVALS = 3.0
_LATE_FLOOR_SECONDS = 90.0
_UPLINK_LATE_SECONDS = 600.0


class HealthConfig(Struct, frozen=True):
    """How often the agent looks at itself; not in the file."""

    interval_seconds: float = 30.0
    deadline_seconds: float = 5.0
    instance: str = "self"


class Health:
    """A collector like the others, whose device is the agent."""

    changed: asyncio.Event | None = None

    def __init__(
        self,
        records: list[Record],
        outbox: Outbox,
        uplink: Uplink | None,
        heartbeat: Heartbeat,
        identity: Identity | None = None,
    ) -> None:
        self._records, self._outbox, self._uplink, self._heartbeat = records, outbox, uplink, heartbeat
        self._identity = identity

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass

    async def collect(self) -> AsyncGenerator[Reading | Event, None]:
        """Collectors, outbox and uplink as they are now; a restart event once."""
        at = datetime.now(UTC)
        restart = self._heartbeat.restart()
        if restart is not None:
            yield restart
        self._heartbeat.beat()
        for event in self._outbox.losses_to_tell():
            yield event
        yield reading(names.AGENT_BUILD, 1, at, version=VERSION)
        for record in self._records:
            for one in _record_readings(record, at):
                yield one
        for one in self._outbox_readings(at):
            yield one
        if self._uplink is not None:
            yield reading(names.AGENT_UPLINK_CONNECTED, float(self._uplink.connected), at)
            for reason, count in self._uplink.refused.items():
                yield reading(names.AGENT_UPLINK_REFUSED, count, at, reason=reason)
        life = self._identity.life() if self._identity else None
        if life is not None:
            yield reading(names.AGENT_CERTIFICATE_EXPIRY, life.end.timestamp(), at)

    def _outbox_readings(self, at: datetime) -> list[Reading]:
        stats = self._outbox.stats()
        return [
            reading(names.AGENT_OUTBOX_ROWS, stats.rows, at),
            reading(names.AGENT_OUTBOX_BYTES, stats.bytes, at),
            reading(names.AGENT_OUTBOX_OLDEST, stats.oldest_seconds, at),
            reading(names.AGENT_OUTBOX_DROPPED, stats.dropped, at),
            reading(names.AGENT_OUTBOX_WRITABLE, float(stats.writable), at),
            reading(names.AGENT_OUTBOX_UNDATED, stats.undated, at),
            *(reading(names.AGENT_OUTBOX_LOST, ticks, at, reason=why) for why, (_, ticks) in stats.lost.items()),
        ]

    def report(self) -> dict[str, Any]:
        """{"ok": bool, "problems": [sentence]}; ok only while everything configured has made progress lately."""
        problems = [text for record in self._records if (text := _late(record))]
        if not self._outbox.writable:
            problems.append("Readings do not reach the disk: full or read-only. The agent keeps measuring.")
        if self._uplink is not None and not self._uplink.connected:
            problems.append("No connection to the national monitor. Readings wait on disk.")
        elif self._uplink is not None and time.monotonic() - self._uplink.last_progress > _UPLINK_LATE_SECONDS:
            problems.append("The national monitor has not answered for 10 minutes. Readings wait on disk.")
        if self._identity is not None:
            problems += self._identity.problems(datetime.now(UTC))
        return {"ok": not problems, "problems": problems}


def _record_readings(record: Record, at: datetime) -> list[Reading]:
    labels = {"collector": record.subject, "instance": record.instance}
    found = [
        reading(names.AGENT_COLLECTOR_ERRORS, count, at, **labels, reason=reason)
        for reason, count in record.errors.items()
    ]
    if record.duration_seconds is not None:
        found.append(reading(names.AGENT_COLLECTOR_UP, float(record.up), at, **labels))
        found.append(reading(names.AGENT_COLLECTOR_DURATION, record.duration_seconds, at, **labels))
    if record.last_success is not None:
        found.append(reading(names.AGENT_COLLECTOR_LAST, record.last_success.timestamp(), at, **labels))
    return found


def _late(record: Record) -> str:
    limit = max(_LATE_FLOOR_SECONDS, _LATE_INTERVALS * record.interval_seconds)
    since = record.last_success
    silent = (datetime.now(UTC) - since).total_seconds() if since else time.monotonic() - record.started
    if silent <= limit:
        return ""
    return f"{record.source} has given nothing for {silent:.0f} s ({record.problem or 'no attempt has ended'})."


def tell_systemd(message: str) -> None:
    """sd_notify(3): READY=1, WATCHDOG=1, STOPPING=1; nothing when systemd did not start us."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        try:
            sock.sendto(message.encode(), address)
        except OSError:
            return


def watchdog_seconds() -> float | None:
    """Half of systemd's WatchdogSec, or None when there is no watchdog."""
    micros = os.environ.get("WATCHDOG_USEC", "")
    return int(micros) / 2e6 if micros.isdigit() else None
