"""What was given up, by reason: how many batches and ticks, from when to when. Kept with the rows.

Each loss becomes an event, so that the centre of the country lists it; the totals stay for /metrics.
"""

import sqlite3
from datetime import UTC, datetime

from msgspec import Struct

from agent.clock import UNSET
from telemetry.catalogue import LOSS_REASONS
from telemetry.event import Event

TABLES = """
CREATE TABLE IF NOT EXISTS loss(
  id INTEGER PRIMARY KEY AUTOINCREMENT, reason TEXT NOT NULL, batches INTEGER NOT NULL, ticks INTEGER,
  first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, told INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS lost(
  reason TEXT PRIMARY KEY, batches INTEGER NOT NULL, ticks INTEGER NOT NULL) WITHOUT ROWID;
"""
TOTALS = "SELECT reason, batches, ticks FROM lost"
"""Since the file was begun; ticks as far as they could be counted."""
_KEPT = 256
_TOLD, _TELLING = 1, 2


class Loss(Struct, frozen=True):
    """ticks is None where nobody can count them. Times in epoch ms."""

    reason: str
    batches: int
    ticks: int | None
    first_ms: int
    last_ms: int


def record(db: sqlite3.Connection, loss: Loss) -> None:
    """Write it down; within the caller's transaction. What follows on an untold loss of the same reason joins it."""
    assert loss.reason in LOSS_REASONS
    known = db.execute("SELECT id, reason, told FROM loss ORDER BY id DESC LIMIT 1").fetchone()
    if known is not None and known[1:] == (loss.reason, 0):
        db.execute(
            "UPDATE loss SET batches = batches + ?, ticks = ticks + ?, first_ms = min(first_ms, ?),"
            " last_ms = max(last_ms, ?) WHERE id = ?",
            (loss.batches, loss.ticks, loss.first_ms, loss.last_ms, known[0]),
        )
    else:
        db.execute(
            "INSERT INTO loss(reason, batches, ticks, first_ms, last_ms) VALUES(?, ?, ?, ?, ?)",
            (loss.reason, loss.batches, loss.ticks, loss.first_ms, loss.last_ms),
        )
        db.execute("DELETE FROM loss WHERE told = 1 AND id <= (SELECT max(id) FROM loss) - ?", (_KEPT,))
    db.execute(
        "INSERT INTO lost VALUES(?, ?, ?) ON CONFLICT(reason) DO UPDATE"
        " SET batches = batches + excluded.batches, ticks = ticks + excluded.ticks",
        (loss.reason, loss.batches, loss.ticks or 0),
    )


def give_up(db: sqlite3.Connection, reason: str, seq: int, at_ms: int) -> None:
    """One row, whose own times mean nothing: its loss has the time of this moment. Within the caller's transaction."""
    found = db.execute("DELETE FROM batch WHERE seq = ? RETURNING ticks", (seq,)).fetchone()
    if found is not None:
        record(db, Loss(reason, 1, found[0], at_ms, at_ms))


def to_tell(db: sqlite3.Connection, before: list[int], limit: int) -> list[tuple[int, Loss]]:
    """Losses that are to become events, by number; `before` are those whose events are on disk by now.

    Within a transaction of its own. What is being told takes nothing more in: what follows is another loss.
    """
    with db:
        db.executemany("UPDATE loss SET told = ? WHERE id = ?", [(_TOLD, number) for number in before])
        rows = db.execute(
            "SELECT id, reason, batches, ticks, first_ms, last_ms FROM loss WHERE told != ? ORDER BY id LIMIT ?",
            (_TOLD, limit),
        ).fetchall()
        db.executemany("UPDATE loss SET told = ? WHERE id = ?", [(_TELLING, row[0]) for row in rows])
    return [(number, Loss(*rest)) for number, *rest in rows]


def event_of(file: int, number: int, loss: Loss) -> Event:
    """The event that tells it; the same one however often it is told."""
    evidence: dict[str, str | float | int | bool] = {"reason": loss.reason, "batches": loss.batches}
    if loss.ticks is not None:
        evidence["ticks"] = loss.ticks
    start, end = (datetime.fromtimestamp(max(UNSET, ms / 1000), UTC) for ms in (loss.first_ms, loss.last_ms))
    return Event("readings_lost", f"lost-{file}-{number}", start, max(start, end), evidence)
