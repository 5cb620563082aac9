"""The outbox's SQLite file: opened, brought up to date, checked; set aside when damaged, with what can be read saved.

WAL, synchronous=FULL: a commit is on the disk when it returns.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent.outbox import losses
from telemetry.errors import Rejected
from telemetry.wire import decode_schema, parse_batch, readdressed, unpack

log = logging.getLogger(__name__)
ROW_BYTES = 100
"""What a row costs on disk beside its body: the columns, the index, pages that are not full."""
_TABLES = """
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS schema(sid TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batch(
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  sid TEXT NOT NULL, first_ms INTEGER NOT NULL, sealed INTEGER NOT NULL, size INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS batch_extent ON batch(first_ms, size);
"""
_LATER_COLUMNS = {
    "epoch": "INTEGER NOT NULL DEFAULT 0",
    "last_ms": "INTEGER NOT NULL DEFAULT 0",
    "ticks": "INTEGER NOT NULL DEFAULT 1",
    "events": "INTEGER NOT NULL DEFAULT 0",
    "dated": "INTEGER NOT NULL DEFAULT 1",
    "boot": "TEXT NOT NULL DEFAULT ''",
    "offset_ms": "INTEGER NOT NULL DEFAULT 0",
}


_WRITE_VERSION_AT, _SCHEMA_FORMAT_AT = 18, 44
_HEAD_BYTES, _MAGIC, _MAGIC_FLIPS = 100, b"SQLite format 3\0", 2
"""A file whose first words differ by more octets is no file of SQLite."""
_VERSIONS, _SCHEMA_FORMAT = b"\x02\x02", b"\x00\x00\x00\x04"
"""WAL for whoever writes and reads; the newest schema layout. Source: "Database File Format", 1.3, sqlite.org."""


def opened(path: Path) -> sqlite3.Connection:
    """The file, whole and up to date; raises sqlite3.DatabaseError (see `damaged`) or OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _check_head(path)
    db = sqlite3.connect(path, timeout=5, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        _check_whole(db)
        db.executescript(_TABLES + losses.TABLES)
        _bring_up_to_date(db)
    except BaseException:
        db.close()
        raise
    return db


def _check_head(path: Path) -> None:
    """A flipped bit in the write version makes SQLite take the file for a later one's, and read-only, for good."""
    try:
        with path.open("rb") as file:
            head = file.read(_WRITE_VERSION_AT + 1)
    except OSError:
        return
    if len(head) > _WRITE_VERSION_AT and head[_WRITE_VERSION_AT] > max(_VERSIONS):
        raise sqlite3.DatabaseError("malformed: a write version that does not exist")


def _check_whole(db: sqlite3.Connection) -> None:
    if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise sqlite3.DatabaseError("malformed: quick_check failed")


def _bring_up_to_date(db: sqlite3.Connection) -> None:
    """A file of an earlier version keeps its rows."""
    there = {row[1] for row in db.execute("PRAGMA table_info(batch)")}
    with db:
        for column, kind in _LATER_COLUMNS.items():
            if column not in there:
                db.execute(f"ALTER TABLE batch ADD COLUMN {column} {kind}")
        if "epoch" not in there:
            db.execute("UPDATE batch SET epoch = coalesce((SELECT value FROM meta WHERE key = 'epoch'), 0)")
            db.execute("UPDATE batch SET last_ms = first_ms")


def damaged(problem: sqlite3.DatabaseError) -> bool:
    """Whether the file itself is at fault, not the disk or a lock."""
    text = str(problem)
    return any(word in text for word in _DAMAGE)


_DAMAGE = (
    "malformed", "not a database", "no such table", "no such column", "has no column named",
    "Could not decode to UTF-8",
)  # fmt: skip


def damaged_when_opened(problem: sqlite3.DatabaseError) -> bool:
    """The same while it is being opened, where only disk, lock and memory may fail: all else is the file's fault.

    A bit that flipped in the text of a table gives errors that no list would hold.
    """
    return getattr(problem, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & _PRIMARY not in _OUTSIDE


_PRIMARY = 0xFF  # of an extended result code, sqlite.org/rescode.html
_OUTSIDE = frozenset({
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_NOLFS,
})  # fmt: skip


def set_aside(path: Path, now: float) -> Path:
    """Move the file and its log out of the way; the newest damaged file is kept, older ones go."""
    for old in path.parent.glob(f"{path.name}.damaged-*"):
        with contextlib.suppress(OSError):
            old.unlink()
    aside = path.with_name(f"{path.name}.damaged-{int(now)}")
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
    return aside


def salvage(aside: Path, db: sqlite3.Connection, epoch: int) -> tuple[int, int | None]:
    """Bring what can be read of a damaged file into `db` under `epoch`.

    Returns how many rows, and how many not (None: nobody can count them). A row counts as read only if
    its checksum, its schema and every limit of the wire hold.
    """
    try:
        _mend_head(aside)
        old = sqlite3.connect(f"file:{aside}?mode=rw", uri=True)
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return 0, None
    with contextlib.closing(old), db:
        schemas = {
            sid: body for sid, body in _readable(old, "SELECT sid, body FROM schema", "sid") if schema_holds(sid, body)
        }
        kept: set[int] = set()
        for row in _readable(old, "SELECT seq, sid, dated, boot, offset_ms, body FROM batch", "seq"):
            if row[0] not in kept and _bring(db, row, schemas, epoch):
                kept.add(row[0])
        return len(kept), _count_of_others(old, len(kept))


def _mend_head(aside: Path) -> None:
    """The layout as we write it: a bit of it that flipped must not hide rows that are whole."""
    with contextlib.suppress(OSError), aside.open("r+b") as file:
        head = file.read(_HEAD_BYTES)
        flips = sum(now != once for now, once in zip(head, _MAGIC, strict=False))
        if len(head) < _HEAD_BYTES or flips > _MAGIC_FLIPS:
            return
        for at, octets in ((0, _MAGIC), (_WRITE_VERSION_AT, _VERSIONS), (_SCHEMA_FORMAT_AT, _SCHEMA_FORMAT)):
            file.seek(at)
            file.write(octets)


def _readable(db: sqlite3.Connection, query: str, key: str) -> Iterator[tuple[Any, ...]]:
    """Rows from both ends up to the damage: some twice, if there is none."""
    for order in ("ASC", "DESC"):
        # MemoryError: a length that has become absurd
        with contextlib.suppress(sqlite3.DatabaseError, OverflowError, UnicodeDecodeError, MemoryError):
            yield from db.execute(f"{query} ORDER BY {key} {order}")


def schema_holds(sid: Any, body: Any) -> bool:
    """Whether these are the bytes that the id was made of, and not what a damaged disk has made of them."""
    try:
        return isinstance(body, bytes) and decode_schema(body).sid == sid
    except Rejected:
        return False


def _bring(db: sqlite3.Connection, row: tuple[Any, ...], schemas: dict[Any, Any], epoch: int) -> bool:
    _, sid, dated, boot, offset_ms, body = row
    if sid not in schemas or not isinstance(body, bytes):
        return False
    try:
        batch = unpack(parse_batch(body), decode_schema(schemas[sid]))
    except Rejected:
        return False
    db.execute("INSERT OR IGNORE INTO schema VALUES(?, ?)", (sid, schemas[sid]))
    seq = db.execute("INSERT INTO batch(sid, first_ms, sealed, size, body) VALUES('', 0, 1, 0, x'')").lastrowid
    assert seq is not None
    again = readdressed(body, epoch, seq)
    db.execute(
        "UPDATE batch SET sid=?, epoch=?, first_ms=?, last_ms=?, ticks=?, events=?, dated=?, boot=?, offset_ms=?,"
        " size=?, body=? WHERE seq=?",
        (
            sid, epoch, batch.times[0], batch.times[-1], len(batch.times), bool(batch.events), bool(dated), str(boot),
            offset_ms if isinstance(offset_ms, int) else 0, len(again) + ROW_BYTES, again, seq,
        ),
    )  # fmt: skip
    return True


def _count_of_others(old: sqlite3.Connection, kept: int) -> int | None:
    try:
        there: int = old.execute("SELECT count(seq) FROM batch").fetchone()[0]
    except (sqlite3.DatabaseError, UnicodeDecodeError, MemoryError):
        return None
    return max(0, there - kept)
