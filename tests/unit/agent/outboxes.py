"""An outbox under a clock that the test holds, and what can be read back from it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from agent.clock import Clock as AgentClock
from agent.outbox import Outbox, Row
from telemetry import catalogue as names
from telemetry.reading import Reading, reading
from telemetry.wire import Batch, Schema, decode_batch, decode_schema

START = 1_760_000_000.0


class Clock:
    """Wall and monotonic seconds that only move when told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now

    def at(self) -> datetime:
        """The wall clock as an aware time."""
        return datetime.fromtimestamp(self.now, UTC)


def opened(
    file: Path,
    clock: Clock,
    *,
    batch_seconds: float = 120.0,
    max_bytes: int = 64 * 2**20,
    max_age: float = 7 * 86400.0,
    known: AgentClock | None = None,
) -> Outbox:
    """The outbox at `file` under `clock`, which is known to be right unless the test brings what the agent knows."""
    known = known or AgentClock(wall=clock, boottime=clock, synchronised=lambda: True, boot="this")
    return Outbox(
        file, max_bytes=max_bytes, max_age_seconds=max_age, batch_seconds=batch_seconds, clock=known, monotonic=clock
    )


def tick(clock: Clock, number: int, ups: str = "rack") -> list[Reading]:
    """Two readings of a moment; the number can be read back from the runtime."""
    at = clock.at()
    return [reading(names.UPS_UP, 1, at, ups=ups), reading(names.UPS_RUNTIME, number, at, ups=ups)]


def fill(outbox: Outbox, clock: Clock, count: int, *, every: float = 10.0, first: int = 1) -> None:
    """So many ticks, numbered from `first`, each on disk."""
    for number in range(first, first + count):
        assert outbox.append("ups/rack", tick(clock, number))
        clock.now += every


def filled(file: Path) -> int:
    """59 ticks at `file`, a batch each, closed in peace; its epoch."""
    clock = Clock()
    outbox = opened(file, clock, batch_seconds=1)
    for number in range(1, 60):
        outbox.append("ups/rack", tick(clock, number))
        clock.now += 10
    outbox.close()
    return outbox.epoch


def decoded(outbox: Outbox, row: Row) -> tuple[Schema, Batch]:
    """A row as ingest would read it, from its own schema on the same disk."""
    body = outbox.schema_body(row.sid)
    assert body is not None
    schema = decode_schema(body)
    batch = decode_batch(row.body, schema)
    assert (batch.seq, schema.sid) == (row.seq, row.sid)
    return schema, batch


def numbers(outbox: Outbox, rows: Iterable[Row] | None = None) -> list[tuple[str, int]]:
    """(ups, number) of every tick in sealed rows, in the order in which they would be sent."""
    found = []
    for row in outbox.oldest(100_000) if rows is None else rows:
        schema, batch = decoded(outbox, row)
        for place in range(len(batch.times)):
            for series, column in zip(schema.series, batch.columns, strict=True):
                value = column[place]
                if series.metric is names.UPS_RUNTIME and value is not None:
                    found.append((series.labels[0], value))
    return found
