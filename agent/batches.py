"""Ticks of one collector growing into one message. Pure: no clock, no disk.

Columns only ever get appended, so that a lane keeps its schema id while series come and go.
"""

from collections.abc import Iterable
from datetime import datetime

from agent.clock import UNSET, Stamped
from telemetry.event import Event
from telemetry.reading import Reading, Series
from telemetry.wire import (
    MAX_EVENTS,
    MAX_SERIES,
    MAX_TICKS,
    Batch,
    Scaled,
    Schema,
    encode_batch,
    epoch_ms,
    from_epoch_ms,
    make_schema,
    scaled,
)

Tick = tuple[int, dict[Series, int]]
"""Epoch milliseconds, and the scaled value of each series."""
_FULL_BYTES = 12 * 1024
_SLACK_MS = 60_000
_FULL_CELLS = 12_000
"""So many numbers of up to 18 characters inflate to less than ingest accepts, however well they pack."""


def ticks_of(readings: Iterable[Reading], correction_ms: int = 0) -> list[Tick]:
    """Readings grouped by their time, oldest first; at most MAX_SERIES in one, the rest in another of the same time.

    `correction_ms` is what the clock that stamped them is off.
    """
    by_time: dict[int, dict[Series, int]] = {}
    for one in readings:
        by_time.setdefault(epoch_ms(one.at) + correction_ms, {})[one.series] = scaled(one.value, one.metric.scale)
    return [(at, part) for at, values in sorted(by_time.items()) for part in _parts(values)]


def _parts(values: dict[Series, int]) -> list[dict[Series, int]]:
    rows = list(values.items())
    return [dict(rows[first : first + MAX_SERIES]) for first in range(0, len(rows), MAX_SERIES)]


def events_of(events: Iterable[Event], stamped: Stamped, at_ms: int) -> list[Event]:
    """Events seen with a tick at `at_ms`, dated as truly as the tick; a start that nobody can know is said so."""
    return [_dated(event, stamped, at_ms) for event in list(events)[:MAX_EVENTS]]


def _dated(event: Event, stamped: Stamped, at_ms: int) -> Event:
    def true(at: datetime) -> datetime:
        ms = epoch_ms(at)
        of_this_boot = stamped.offset_ms <= ms + _SLACK_MS and ms + stamped.correction_ms <= at_ms + _SLACK_MS
        return from_epoch_ms(ms + stamped.correction_ms) if stamped.correction_ms and of_this_boot else at

    start, end = true(event.start), event.end and true(event.end)
    evidence = event.evidence
    if stamped.certain and start.timestamp() < UNSET:
        start, evidence = from_epoch_ms(at_ms), {**evidence, "start_unknown": True}
    if stamped.certain and end is not None:
        end = max(start, end)
    return Event(event.kind, event.id, start, end, evidence)


class Columns:
    """The series that a lane has shown, in a fixed order, and their schema."""

    def __init__(self) -> None:
        self._order: dict[Series, int] = {}
        self.schema: Schema | None = None

    def __len__(self) -> int:
        return len(self._order)

    def room_for(self, series: Iterable[Series]) -> bool:
        """Whether these fit beside what is known, within what ingest accepts."""
        return len(self._order) + sum(one not in self._order for one in series) <= MAX_SERIES

    def admit(self, series: Iterable[Series]) -> None:
        """Add what is new; the schema changes only then."""
        new = [one for one in series if one not in self._order]
        for one in new:
            self._order[one] = len(self._order)
        if new:
            self.schema = make_schema(tuple(self._order))


class OpenBatch:
    """A batch that still grows, of stamps under one clock; `seq` is None until it has a row on disk."""

    def __init__(self, columns: Columns, stamped: Stamped) -> None:
        self.columns, self.stamped = columns, stamped
        self.seq: int | None = None
        self.ticks: list[Tick] = []
        self.events: list[Event] = []
        self.body = b""
        self.unsaved = False

    def accepts(self, tick: Tick, events: int = 0) -> bool:
        """Whether a tick with so many events may join: later than the last, and there is room."""
        at, values = tick
        if not self.columns.room_for(values):
            return False
        if not self.ticks:
            return True
        cells = (len(self.ticks) + 1) * (len(self.columns) + len(values))
        if cells > _FULL_CELLS or len(self.events) + events > MAX_EVENTS:
            return False
        last = self.ticks[-1][0]
        return last < at <= last + 86_400_000 and len(self.ticks) < MAX_TICKS and len(self.body) < _FULL_BYTES

    def add(self, tick: Tick, events: Iterable[Event]) -> None:
        """Join; the caller asked `accepts` first."""
        self.columns.admit(tick[1])
        self.ticks.append(tick)
        self.unsaved = True
        self.events.extend(events)

    def encode(self, epoch: int, seq: int) -> bytes:
        """The message so far."""
        schema = self.columns.schema
        assert schema is not None
        rows: list[list[Scaled]] = [[values.get(one) for _, values in self.ticks] for one in schema.series]
        batch = Batch(epoch, seq, tuple(at for at, _ in self.ticks), tuple(rows), tuple(self.events))
        self.body = encode_batch(schema, batch)
        return self.body
