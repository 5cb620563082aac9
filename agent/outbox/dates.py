"""Rows stamped before the time was known: dated as soon as it is, given up when that can no longer be.

A row of this boot moves by what its clock was off. A row of an earlier boot that never learned the
time lies somewhere between two known moments, which is not a date.
"""

import logging
import sqlite3

from agent.clock import Clock, Stamped
from agent.outbox.losses import give_up
from telemetry.errors import Rejected
from telemetry.wire import parse_batch, redated

log = logging.getLogger(__name__)


def undated(db: sqlite3.Connection) -> int:
    """How many sealed rows wait for a date."""
    count: int = db.execute("SELECT count(*) FROM batch WHERE sealed AND NOT dated").fetchone()[0]
    return count


def date(db: sqlite3.Connection, clock: Clock) -> int:
    """Date the sealed rows of this boot; within the caller's transaction. Returns how many; 0 while nobody knows."""
    found = db.execute(
        "SELECT seq, offset_ms, body FROM batch WHERE sealed AND NOT dated AND boot = ?", (clock.boot,)
    ).fetchall()
    done = 0
    for seq, offset_ms, body in found:
        shift = clock.shift_ms(Stamped(certain=False, boot=clock.boot, offset_ms=offset_ms))
        if shift is not None:
            done += _move(db, clock, seq, body, shift, offset_ms)
    return done


def _move(db: sqlite3.Connection, clock: Clock, seq: int, body: bytes, shift_ms: int, since_ms: int) -> int:
    try:
        moved = redated(body, shift_ms, since_ms)
        first = parse_batch(moved).t
    except (Rejected, TypeError) as problem:  # not ours any more: a bit that flipped
        log.error("a row cannot be dated seq=%d cause=%r", seq, str(problem)[:80])
        give_up(db, "damaged", seq, round(clock.now() * 1000))
        return 0
    db.execute(
        "UPDATE batch SET last_ms = last_ms + ?, first_ms = ?, dated = 1, body = ? WHERE seq = ?",
        (first - parse_batch(body).t, first, moved, seq),
    )
    return 1


def give_up_undatable(db: sqlite3.Connection, clock: Clock) -> int:
    """Rows of an earlier boot that never learned the time; within the caller's transaction. Returns how many."""
    found = [seq for (seq,) in db.execute("SELECT seq FROM batch WHERE NOT dated AND boot != ?", (clock.boot,))]
    for seq in found:
        give_up(db, "undatable", seq, round(clock.now() * 1000))
    return len(found)
