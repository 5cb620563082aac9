"""Every batch on disk until ingest says that the store has it. SQLite, WAL, synchronous=FULL.

A tick is committed before anything is sent. Rows are deleted by the application ack of their epoch
and by nothing else, except the bounds (bytes, age), which are counted. A damaged file is set aside
and a new epoch begins, so that old acks cannot delete new rows. When the disk is full or read-only
the ticks wait in memory, one batch a lane, and the next write that succeeds takes them along.

Thread-safe: the scheduler appends, the uplink reads and settles.
"""

import contextlib
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from agent.batches import Columns, OpenBatch, Tick, ticks_of
from telemetry.event import Event
from telemetry.reading import Reading
from telemetry.wire import MAX_EVENTS, encode_schema

log = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS schema(sid TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batch(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL, first_ms INTEGER NOT NULL, sealed INTEGER NOT NULL, size INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS batch_extent ON batch(first_ms, size);
"""
_DROP_TO = 0.9
_RETRY_SECONDS = 10.0
_LAST_SEQ = 2**63 - 1
_JUMP_SECONDS, _STEADY_SECONDS = 60.0, 3600.0


class Row(Struct, frozen=True):
    """A sealed batch as it goes over the line."""

    seq: int
    sid: str
    body: bytes


class Stats(Struct, frozen=True):
    """rows and bytes on disk, age of the oldest in seconds (0 when empty), batches given up, disk works."""

    rows: int
    bytes: int
    oldest_seconds: float
    dropped: int
    writable: bool


class Outbox:
    """The file at `path`, bounded by `max_bytes` and `max_age_seconds`; batches close after `batch_seconds`."""

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = 64 * 2**20,
        max_age_seconds: float = 7 * 86400.0,
        batch_seconds: float = 120.0,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._max_bytes, self._max_age, self._batch_seconds = max_bytes, max_age_seconds, batch_seconds
        self._wall, self._monotonic = wall, monotonic
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._columns: dict[str, Columns] = {}
        self._open: dict[str, tuple[OpenBatch, float]] = {}
        self._known_sids: set[str] = set()
        self._bytes = 0
        self._clock = (wall(), monotonic())
        self._steady_since = monotonic()
        self.epoch = 0
        self.dropped = 0
        self.writable = False
        with self._lock, contextlib.suppress(sqlite3.Error, OSError):
            self._connect()

    # ── writing ────────────────────────────────────────────────────────────────────────────────
    def append(self, lane: str, readings: Iterable[Reading], events: Sequence[Event] = ()) -> bool:
        """Commit one tick of a collector; True once it is on disk. Events need at least one reading."""
        with self._lock:
            told = list(events)[:MAX_EVENTS]
            ticks = ticks_of(readings)
            for tick in ticks:
                # A result of another moment (a speed test) is no gap in the series of this one.
                own = lane if tick[0] == ticks[-1][0] else f"{lane}/late"
                self._batch_for(own, tick, len(told)).add(tick, told)
                told = []
                self._write(own)
            self._catch_up()
            return not any(batch.unsaved for batch, _ in self._open.values())

    def close_due(self) -> None:
        """Close the batches whose time has come, also of lanes that have fallen silent."""
        with self._lock:
            for lane, (_, since) in list(self._open.items()):
                if self._monotonic() - since >= self._batch_seconds:
                    self._close(lane)

    def close_all(self) -> None:
        """Close every open batch: what is measured may be sent now."""
        with self._lock:
            for lane in list(self._open):
                self._close(lane)

    def next_due_seconds(self) -> float:
        """Until `close_due` has work; at most batch_seconds, at least 10 s while the disk takes nothing."""
        with self._lock:
            ages = [self._monotonic() - since for _, since in self._open.values()]
        return max(0.0 if self.writable else _RETRY_SECONDS, self._batch_seconds - max(ages, default=0.0))

    def _batch_for(self, lane: str, tick: Tick, events: int) -> OpenBatch:
        found = self._open.get(lane)
        if found is not None and self._monotonic() - found[1] >= self._batch_seconds:
            self._close(lane)
        found = self._open.get(lane)
        if found is not None and not found[0].accepts(tick, events):
            self._close(lane)
            self._give_up(lane)
        found = self._open.get(lane)
        if found is None:
            columns = self._columns.setdefault(lane, Columns())
            if not columns.room_for(tick[1]):  # series came and went until the schema is full: begin anew
                columns = self._columns[lane] = Columns()
            batch = OpenBatch(columns)
            found = self._open[lane] = (batch, self._monotonic())
        return found[0]

    def _close(self, lane: str) -> None:
        """Seal the batch; while the disk takes nothing it stays open and grows."""
        if self._write(lane, sealed=True):
            self._open.pop(lane, None)

    def _give_up(self, lane: str) -> None:
        lost = self._open.pop(lane, None)
        if lost is not None:
            self.dropped += 1
            log.error("a batch is lost, the disk takes nothing lane=%s ticks=%d", lane, len(lost[0].ticks))

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
        stored = self._try(lambda db: self._store(db, found[0], sealed))
        if stored:
            self._try(self._bound)
        return stored

    def _try(self, work: Callable[[sqlite3.Connection], None]) -> bool:
        """One transaction; a disk that takes nothing is said, never raised."""
        try:
            work(self._connect())
        except sqlite3.DatabaseError as problem:
            self._failed(problem)
        except OSError as problem:
            self._set_writable(False, str(problem))
        else:
            self._set_writable(True)
            return True
        return False

    def _store(self, db: sqlite3.Connection, batch: OpenBatch, sealed: bool) -> None:
        schema = batch.columns.schema
        assert schema is not None
        before = len(batch.body) if batch.seq else 0
        with db:
            if schema.sid not in self._known_sids:
                db.execute("INSERT OR IGNORE INTO schema VALUES(?, ?)", (schema.sid, encode_schema(schema)))
            seq = batch.seq or self._new_row(db)
            body = batch.encode(self.epoch, seq)
            db.execute(
                "UPDATE batch SET sid=?, first_ms=?, sealed=?, size=?, body=? WHERE seq=?",
                (schema.sid, batch.ticks[0][0], sealed, len(body), body, seq),
            )
        # Only what is committed counts: a row that was rolled back has no number.
        self._known_sids.add(schema.sid)
        batch.seq, batch.unsaved = seq, False
        self._bytes += len(body) - before

    def _new_row(self, db: sqlite3.Connection) -> int:
        cursor = db.execute("INSERT INTO batch(sid, first_ms, sealed, size, body) VALUES('', 0, 0, 0, x'')")
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _bound(self, db: sqlite3.Connection) -> None:
        horizon = int((self._wall() - self._max_age) * 1000) if self._clock_is_steady() else 0
        oldest = db.execute("SELECT min(first_ms) FROM batch").fetchone()[0] or horizon
        if oldest >= horizon and self._bytes <= self._max_bytes:
            return
        with db:
            gone = db.execute("DELETE FROM batch WHERE sealed AND first_ms < ?", (horizon,)).rowcount
            if self._bytes > self._max_bytes:
                gone += self._drop_oldest(db)
        if gone:
            self.dropped += gone
            self._bytes = self._measure(db)
            log.error("batches given up, the outbox is full or they are too old count=%d", gone)

    def _clock_is_steady(self) -> bool:
        """No jump within the last hour: a gateway without a clock battery may believe any year for a while."""
        wall, monotonic = self._wall(), self._monotonic()
        before, then = self._clock
        if abs((wall - before) - (monotonic - then)) > _JUMP_SECONDS:
            self._steady_since = monotonic
        self._clock = (wall, monotonic)
        return monotonic - self._steady_since >= _STEADY_SECONDS

    def _drop_oldest(self, db: sqlite3.Connection) -> int:
        excess = self._bytes - int(self._max_bytes * _DROP_TO)
        gone = []
        for seq, size in db.execute("SELECT seq, size FROM batch WHERE sealed ORDER BY seq"):
            if excess <= 0:
                break
            gone.append((seq,))
            excess -= size
        db.executemany("DELETE FROM batch WHERE seq = ?", gone)
        return len(gone)

    # ── sending ────────────────────────────────────────────────────────────────────────────────
    def newest(self) -> Row | None:
        """The newest closed batch: live first."""
        rows = self._rows("SELECT seq, sid, body FROM batch WHERE sealed ORDER BY seq DESC LIMIT 1")
        return rows[0] if rows else None

    def oldest(self, limit: int) -> list[Row]:
        """Closed batches, oldest first."""
        return self._rows("SELECT seq, sid, body FROM batch WHERE sealed ORDER BY seq LIMIT ?", limit)

    def schema_body(self, sid: str) -> bytes | None:
        """The schema message of a row; it is kept with the rows it describes."""
        with self._lock:
            try:
                found = self._connect().execute("SELECT body FROM schema WHERE sid = ?", (sid,)).fetchone()
            except (sqlite3.Error, OSError):
                return None
            return found[0] if found else None

    def settle(self, epoch: int, ranges: Iterable[tuple[int, int]]) -> int:
        """Delete the acknowledged rows of this epoch; returns how many there were."""
        with self._lock:
            if epoch != self.epoch:
                return 0
            try:
                db = self._connect()
                with db:
                    gone = sum(
                        db.execute("DELETE FROM batch WHERE sealed AND seq BETWEEN ? AND ?", pair).rowcount
                        for pair in _sane(ranges)
                    )
                self._bytes = self._measure(db)
            except sqlite3.DatabaseError as problem:
                self._failed(problem)
                return 0
            except OSError:
                return 0
            return gone

    def _rows(self, query: str, *parameters: int) -> list[Row]:
        with self._lock:
            try:
                return [Row(*row) for row in self._connect().execute(query, parameters)]
            except sqlite3.DatabaseError as problem:
                self._failed(problem)
            except OSError:
                pass
            return []

    # ── the file ───────────────────────────────────────────────────────────────────────────────
    def stats(self) -> Stats:
        """What /metrics and the page show."""
        with self._lock:
            rows, oldest = 0, 0.0
            with contextlib.suppress(sqlite3.Error, OSError):
                rows, first = self._connect().execute("SELECT count(*), min(first_ms) FROM batch").fetchone()
                oldest = max(0.0, self._wall() - first / 1000) if first else 0.0
            return Stats(rows, self._bytes, oldest, self.dropped, self.writable)

    def close(self) -> None:
        """Close batches and file."""
        with self._lock:
            self.close_all()
            if self._db is not None:
                self._db.close()
                self._db = None

    def _connect(self) -> sqlite3.Connection:
        if self._db is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._db = self._opened()
            except sqlite3.DatabaseError as problem:
                if not _damaged(problem):
                    raise
                self._set_aside(problem)
                self._db = self._opened()
            self._bytes = self._measure(self._db)
            self._known_sids.clear()
        return self._db

    def _opened(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=5, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            _check_whole(db)
            db.executescript(_SCHEMA)
            with db:
                db.execute("INSERT OR IGNORE INTO meta VALUES('epoch', ?)", (secrets.randbits(32),))
                open_rows = [(one.seq,) for one, _ in self._open.values() if one.seq]
                db.execute("DELETE FROM batch WHERE size = 0")
                db.execute("UPDATE batch SET sealed = 1")
                db.executemany("UPDATE batch SET sealed = 0 WHERE seq = ?", open_rows)
                db.execute("DELETE FROM schema WHERE sid NOT IN (SELECT sid FROM batch)")
            self.epoch = db.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()[0]
        except BaseException:
            db.close()
            raise
        return db

    def _measure(self, db: sqlite3.Connection) -> int:
        total: int = db.execute("SELECT coalesce(sum(size), 0) FROM batch").fetchone()[0]
        return total

    def _failed(self, problem: sqlite3.DatabaseError) -> None:
        if _damaged(problem):
            self._set_aside(problem)
        elif self._db is not None:
            self._db.close()
            self._db = None
        self._set_writable(False, str(problem))

    def _set_aside(self, problem: sqlite3.DatabaseError) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
        aside = self._path.with_name(f"{self._path.name}.damaged-{int(self._wall())}")
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self._path}{suffix}").rename(f"{aside}{suffix}")
        for batch, _ in self._open.values():
            batch.seq = None
        self.dropped += 1
        log.error("outbox damaged, set aside and begun anew file=%s cause=%r", aside.name, str(problem)[:80])

    def _set_writable(self, now: bool, cause: str = "") -> None:
        if now and not self.writable:
            log.info("readings reach the disk")
        if not now and self.writable:
            log.error("readings do not reach the disk cause=%r", cause[:80])
        self.writable = now


def _sane(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Within what SQLite counts to; an ack is foreign input."""
    return [(max(first, 0), min(last, _LAST_SEQ)) for first, last in ranges if first <= _LAST_SEQ and last >= 0]


def _check_whole(db: sqlite3.Connection) -> None:
    if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise sqlite3.DatabaseError("malformed: quick_check failed")


def _damaged(problem: sqlite3.DatabaseError) -> bool:
    text = str(problem)
    return any(word in text for word in ("malformed", "not a database", "no such table", "no such column"))
