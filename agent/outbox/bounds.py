"""What goes when the outbox is over its bounds: detail before hours, the oldest first, events last.

Within an hour of one lane the first batch stays while the others go. Only when every hour is down
to one batch do whole hours go.
"""

import sqlite3
from collections.abc import Iterator

from agent.outbox.losses import Loss, record

_GOAL = 0.9
"""One pass frees this much more than it must, so that the next is a while away."""
_Found = tuple[int, int, int, int, int]
_OLD = "SELECT seq, size, ticks, first_ms, last_ms FROM batch WHERE sealed AND dated AND last_ms < ?"
_DETAIL = """
SELECT seq, size, ticks, first_ms, last_ms FROM batch WHERE sealed AND NOT events
AND seq NOT IN (SELECT min(seq) FROM batch GROUP BY sid, first_ms / 3600000) ORDER BY seq"""
_ALL = "SELECT seq, size, ticks, first_ms, last_ms FROM batch WHERE sealed ORDER BY events, seq"


def enforce(db: sqlite3.Connection, *, max_bytes: int, horizon_ms: int, size: int) -> int:
    """Give up what is too old or too much; within a transaction of its own. Returns how many batches went."""
    with db:
        gone = _give_up(db, "age", db.execute(_OLD, (horizon_ms,)))
        size -= sum(one[1] for one in gone)
        if size <= max_bytes:
            return len(gone)
        excess = size - int(max_bytes * _GOAL)
        thinned = _give_up(db, "thinned", _until(excess, db.execute(_DETAIL)))
        excess -= sum(one[1] for one in thinned)
        full = _give_up(db, "full", _until(excess, db.execute(_ALL)))
    return len(gone) + len(thinned) + len(full)


def _until(excess: int, rows: sqlite3.Cursor) -> Iterator[_Found]:
    for row in rows:
        if excess <= 0:
            return
        excess -= row[1]
        yield row


def _give_up(db: sqlite3.Connection, reason: str, rows: Iterator[_Found] | sqlite3.Cursor) -> list[_Found]:
    found = list(rows)
    db.executemany("DELETE FROM batch WHERE seq = ?", [(one[0],) for one in found])
    if found:
        first, last = min(one[3] for one in found), max(one[4] for one in found)
        record(db, Loss(reason, len(found), sum(one[2] for one in found), first, last))
    return found
