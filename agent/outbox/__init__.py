"""Every batch on disk until ingest says that the store has it.

A tick is committed before anything is sent. Rows are deleted by the application ack of their epoch
and by nothing else, except the bounds (bytes, age), which are counted and told. Each start of the
agent begins a new epoch, so that no ack of an earlier life can ever name a row of this one. When
the disk is full or read-only the ticks wait in memory, one batch a lane, and the next write that
succeeds takes them along. Rows stamped before the time was known are not sent until they are dated.

Thread-safe: the scheduler appends, the uplink reads and settles.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from agent.batches import Columns, OpenBatch, Tick, events_of, ticks_of
from agent.clock import Clock, Stamped
from agent.outbox import bounds, dates, losses
from agent.outbox.database import Database
from agent.outbox.file import ROW_BYTES, schema_holds
from agent.outbox.losses import Loss
from telemetry.event import Event
from telemetry.reading import Reading
from telemetry.wire import encode_schema

log = logging.getLogger(__name__)
_RETRY_SECONDS = 10.0
_LAST_SEQ = 2**63 - 1
_SENDABLE = "SELECT seq, epoch, sid, body FROM batch WHERE sealed AND dated"
_SETTLE = "DELETE FROM batch WHERE sealed AND epoch = ? AND seq BETWEEN ? AND ? RETURNING seq, size"
_TELL_AT_ONCE = 8


class Row(Struct, frozen=True):
    """A sealed batch as it goes over the line."""

    seq: int
    epoch: int
    sid: str
    body: bytes


class Stats(Struct, frozen=True):
    """rows and bytes on disk, age of the oldest in seconds (0 when empty), disk works, rows that wait for a date.

    lost: reason -> batches and ticks given up since the file was begun.
    """

    rows: int
    bytes: int
    oldest_seconds: float
    writable: bool
    undated: int = 0
    lost: dict[str, tuple[int, int]] = {}

    @property
    def dropped(self) -> int:
        """Batches given up, for whatever reason."""
        return sum(batches for batches, _ in self.lost.values())


class Outbox:
    """The file at `path`, bounded by `max_bytes` and `max_age_seconds`; batches close after `batch_seconds`."""

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = 128 * 2**20,
        max_age_seconds: float = 30 * 86400.0,
        batch_seconds: float = 120.0,
        clock: Clock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_bytes, self._max_age, self._batch_seconds = max_bytes, max_age_seconds, batch_seconds
        self.clock, self._monotonic = clock or Clock(), monotonic
        self._lock = threading.RLock()
        self._columns: dict[str, Columns] = {}
        self._open: dict[str, tuple[OpenBatch, float]] = {}
        self._unwritten: list[Loss] = []
        self._telling: list[int] = []
        self.dated = 0
        """Grows when rows got their date: who has looked for rows to send must look again from the start."""
        self._database = Database(path, max_age_seconds, self.clock, self._growing, self._lose_numbers)

    @property
    def epoch(self) -> int:
        """Of the rows that are written now."""
        return self._database.epoch

    @property
    def writable(self) -> bool:
        """Whether readings reach the disk."""
        return self._database.writable

    # ── writing ────────────────────────────────────────────────────────────────────────────────
    def append(self, lane: str, readings: Iterable[Reading], events: Sequence[Event] = ()) -> bool:
        """Commit one tick of a collector; True once it is on disk. Events need at least one reading."""
        with self._lock:
            stamped = self.clock.stamped()
            ticks = ticks_of(readings, stamped.correction_ms)
            told = events_of(events, stamped, ticks[0][0]) if ticks else []
            for tick in ticks:
                # A result of another moment (a speed test) is no gap in the series of this one.
                own = lane if tick[0] == ticks[-1][0] else f"{lane}/late"
                self._batch_for(own, tick, len(told), stamped).add(tick, told)
                told = []
                self._write(own)
            self._catch_up()
            return not any(batch.unsaved for batch, _ in self._open.values())

    def close_due(self) -> None:
        """When the time of one batch has come, close all: lanes that travel together share the cost of the way.

        Date what can be dated.
        """
        with self._lock:
            if any(self._is_due(since) for _, since in self._open.values()):
                self.close_all()
            self._date()

    def close_all(self) -> None:
        """Close every open batch: what is measured may be sent now."""
        with self._lock:
            for lane in list(self._open):
                self._close(lane)
            self._date()

    def _is_due(self, since: float) -> bool:
        return self._monotonic() - since >= self._batch_seconds

    def next_due_seconds(self) -> float:
        """Until `close_due` has work; at most batch_seconds, at least 10 s while the disk takes nothing."""
        with self._lock:
            ages = [self._monotonic() - since for _, since in self._open.values()]
        return max(0.0 if self.writable else _RETRY_SECONDS, self._batch_seconds - max(ages, default=0.0))

    def _batch_for(self, lane: str, tick: Tick, events: int, stamped: Stamped) -> OpenBatch:
        found = self._open.get(lane)
        if found is not None and self._is_due(found[1]):
            self.close_all()
        found = self._open.get(lane)
        if found is not None and not (found[0].accepts(tick, events) and found[0].stamped.same_as(stamped)):
            self._close(lane)
            self._give_up(lane)
        found = self._open.get(lane)
        if found is None:
            columns = self._columns.setdefault(lane, Columns())
            if not columns.room_for(tick[1]):  # series came and went until the schema is full: begin anew
                columns = self._columns[lane] = Columns()
            batch = OpenBatch(columns, stamped)
            found = self._open[lane] = (batch, self._monotonic())
        return found[0]

    def _close(self, lane: str) -> None:
        """Seal the batch; while the disk takes nothing it stays open and grows."""
        if self._write(lane, sealed=True):
            closed = self._open.pop(lane, None)
            self._database.undated += closed is not None and not closed[0].stamped.certain

    def _give_up(self, lane: str) -> None:
        lost = self._open.pop(lane, None)
        if lost is not None:
            times = [at for at, _ in lost[0].ticks]
            self._unwritten.append(Loss("disk", 1, len(times), times[0], times[-1]))
            log.error("a batch is lost, the disk takes nothing lane=%s ticks=%d", lane, len(times))

    def _catch_up(self) -> None:
        """The disk takes again what it refused: lanes that wait need not wait for their next tick."""
        for lane, (batch, _) in list(self._open.items()):
            if batch.unsaved and self.writable:
                self._write(lane)

    def _write(self, lane: str, *, sealed: bool = False) -> bool:
        """Commit the lane's open batch; whether it is on disk now."""
        found = self._open.get(lane)
        if found is None or not found[0].ticks:
            return True
        stored = self._database.work(lambda db: self._store(db, found[0], sealed))
        if stored:
            self._database.work(self._bound)
        return stored

    def _store(self, db: sqlite3.Connection, batch: OpenBatch, sealed: bool) -> None:
        schema, stamped = batch.columns.schema, batch.stamped
        assert schema is not None
        before = len(batch.body) if batch.seq else -ROW_BYTES
        with db:
            if schema.sid not in self._database.sids:
                db.execute("INSERT OR REPLACE INTO schema VALUES(?, ?)", (schema.sid, encode_schema(schema)))
            seq = batch.seq or _new_row(db, self.epoch, stamped)
            body = batch.encode(self.epoch, seq)
            db.execute(
                "UPDATE batch SET sid=?, first_ms=?, last_ms=?, ticks=?, events=?, sealed=?, size=?, body=?"
                " WHERE seq=?",
                (
                    schema.sid, batch.ticks[0][0], batch.ticks[-1][0], len(batch.ticks), bool(batch.events), sealed,
                    len(body) + ROW_BYTES, body, seq,
                ),
            )  # fmt: skip
            for loss in self._unwritten:
                losses.record(db, loss)
        # Only what is committed counts: a row that was rolled back has no number.
        self._unwritten.clear()
        self._database.sids.add(schema.sid)
        batch.seq, batch.unsaved = seq, False
        self._database.bytes += len(body) - before
        grown = {one.seq: len(one.ticks) for one, _ in self._open.values() if one.seq and not one.unsaved}
        self._database.mark.write(self._database.name, grown)

    def _bound(self, db: sqlite3.Connection) -> None:
        horizon = int((self.clock.now() - self._max_age) * 1000) if self.clock.stamped().certain else 0
        oldest = db.execute("SELECT first_ms FROM batch WHERE dated ORDER BY first_ms LIMIT 1").fetchone()
        if (oldest is None or oldest[0] >= horizon) and self._database.bytes <= self._max_bytes:
            return
        gone = bounds.enforce(db, max_bytes=self._max_bytes, horizon_ms=horizon, size=self._database.bytes)
        if gone:
            self._database.measure(db)
            log.error("batches given up, the outbox is full or they are too old count=%d", gone)

    def _date(self) -> None:
        """Rows that waited for the time may be sent once it is known."""
        if self._database.undated and self.clock.stamped().certain:
            self._database.work(self._date_rows)

    def _date_rows(self, db: sqlite3.Connection) -> None:
        with db:
            done = dates.date(db, self.clock)
        self._database.measure(db)
        self.dated += done
        log.info("rows from before the time was known are dated count=%d", done)

    # ── sending ────────────────────────────────────────────────────────────────────────────────
    def newest(self, limit: int = 1) -> list[Row]:
        """The newest closed batches, the newest first."""
        return self._rows(f"{_SENDABLE} ORDER BY seq DESC LIMIT ?", limit)

    def oldest(self, limit: int, after: int = 0) -> list[Row]:
        """Closed batches beyond the number `after`, oldest first."""
        return self._rows(f"{_SENDABLE} AND seq > ? ORDER BY seq LIMIT ?", after, limit)

    def row(self, seq: int) -> Row | None:
        """That batch, if it is still there."""
        return next(iter(self._rows(f"{_SENDABLE} AND seq = ?", seq)), None)

    def schema_body(self, sid: str) -> bytes | None:
        """The schema message of a row, kept with the rows it describes; None while it cannot be read.

        One that a damaged disk has changed is written anew with the next tick of the same series.
        """
        with self._lock:
            for (body,) in self._database.rows("SELECT body FROM schema WHERE sid = ?", sid):
                if schema_holds(sid, body):
                    return bytes(body)
            self._database.sids.discard(sid)
            return None

    def settle(self, epoch: int, ranges: Iterable[tuple[int, int]]) -> list[int]:
        """Delete the acknowledged rows of this epoch; returns their numbers."""
        if not 0 <= epoch <= _LAST_SEQ:  # SQLite could not hold it, so no row has it
            return []
        gone: list[tuple[int, int]] = []

        def delete(db: sqlite3.Connection) -> None:
            with db:
                for first, last in _sane(ranges):
                    gone.extend(db.execute(_SETTLE, (epoch, first, last)).fetchall())

        with self._lock:
            if not self._database.work(delete):
                return []
            self._database.bytes -= sum(size for _, size in gone)
        return [seq for seq, _ in gone]

    def spoilt(self, row: Row) -> bool:
        """A row that cannot be read, because a damaged disk has changed it: given up and counted, if the disk does it.

        By its number and epoch: the file may have been begun anew meanwhile.
        """

        def lose(db: sqlite3.Connection) -> None:
            with db:
                if db.execute("SELECT 1 FROM batch WHERE seq = ? AND epoch IS ?", (row.seq, row.epoch)).fetchone():
                    losses.give_up(db, "damaged", row.seq, round(self.clock.now() * 1000))
            self._database.measure(db)

        with self._lock:
            return self._database.work(lose)

    def _rows(self, query: str, *parameters: int) -> list[Row]:
        with self._lock:
            return [Row(*row) for row in self._database.rows(query, *parameters)]

    # ── telling ────────────────────────────────────────────────────────────────────────────────
    def losses_to_tell(self) -> list[Event]:
        """What was given up and is not told yet; counted as told when this is asked again."""
        with self._lock:
            found: list[tuple[int, Loss]] = []
            if self.clock.unset:
                return []

            def look(db: sqlite3.Connection) -> None:
                found.extend(losses.to_tell(db, self._telling, _TELL_AT_ONCE))

            self._database.work(look)
            self._telling = [number for number, _ in found]
            return [losses.event_of(self._database.name, number, loss) for number, loss in found]

    def stats(self) -> Stats:
        """What /metrics and the page show."""
        with self._lock:
            extent = self._database.rows("SELECT count(*), min(first_ms) FROM batch")
            rows, first = extent[0] if extent else (0, None)
            oldest = max(0.0, self.clock.now() - first / 1000) if first else 0.0
            lost = {why: (batches, ticks) for why, batches, ticks in self._database.rows(losses.TOTALS)}
            for loss in self._unwritten:
                batches, ticks = lost.get(loss.reason, (0, 0))
                lost[loss.reason] = (batches + loss.batches, ticks + (loss.ticks or 0))
            return Stats(rows, self._database.bytes, oldest, self.writable, self._database.undated, lost)

    def close(self) -> None:
        """Close batches and file."""
        with self._lock:
            self.close_all()
            self._database.close()

    def _growing(self) -> list[int]:
        return [batch.seq for batch, _ in self._open.values() if batch.seq]

    def _lose_numbers(self) -> None:
        """The file is new: what still grows has no row in it yet."""
        for batch, _ in self._open.values():
            batch.seq = None


def _new_row(db: sqlite3.Connection, epoch: int, stamped: Stamped) -> int:
    cursor = db.execute(
        "INSERT INTO batch(sid, first_ms, sealed, size, body, epoch, dated, boot, offset_ms)"
        " VALUES('', 0, 0, 0, x'', ?, ?, ?, ?)",
        (epoch, stamped.certain, stamped.boot, stamped.offset_ms),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _sane(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Within what SQLite counts to; an ack is foreign input."""
    return [(max(first, 0), min(last, _LAST_SEQ)) for first, last in ranges if first <= _LAST_SEQ and last >= 0]
