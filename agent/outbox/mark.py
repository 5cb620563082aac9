"""A note beside the file: how far its open rows were at the last commit. It gives away a log that came back shorter.

SQLite ends a torn log where it ends, and nothing in the file says that there was more. The note is written after each
commit and never waited for: it may be older than the file, which claims nothing, and it is newer only if the disk has
lost what it had promised to keep.
"""

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from msgspec import DecodeError, Struct
from msgspec.json import decode, encode

_TICKS, _LAST_SEQ = "SELECT ticks FROM batch WHERE seq = ?", 2**63 - 1
_MOST_ROWS = 1000
"""A number that a bit flip has made absurd counts as this many."""


class Note(Struct):
    """file: its name for itself. ticks: on disk in each row that grew, by number."""

    file: int
    ticks: dict[int, int]


class Mark:
    """The note at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, file: int, ticks: Mapping[int, int]) -> None:
        """After a commit. A disk that takes nothing is no matter."""
        with contextlib.suppress(OSError):
            self._path.write_bytes(encode(Note(file, dict(ticks))))

    def rows_lost(self, db: sqlite3.Connection, file: int) -> int:
        """At most how many rows were on the disk and are gone, or have fewer ticks than they had."""
        note = self._read()
        if note is None or note.file != file:
            return 0
        newest = _number(db, "SELECT seq FROM sqlite_sequence WHERE name = 'batch'") or 0
        gone = min(_MOST_ROWS, max(0, max(note.ticks, default=0) - newest))
        found = ((_number(db, _TICKS, min(seq, _LAST_SEQ)), had) for seq, had in note.ticks.items())
        # A row that is not there has been acknowledged, or is beyond the newest.
        return gone + sum(there is not None and there < had for there, had in found)

    def _read(self) -> Note | None:
        try:
            return decode(self._path.read_bytes(), type=Note)
        except (OSError, ValueError, DecodeError):
            return None


def _number(db: sqlite3.Connection, query: str, *parameters: int) -> int | None:
    """None where there is nothing, or what a damaged disk has made of a number."""
    found = db.execute(query, parameters).fetchone()
    return found[0] if found is not None and isinstance(found[0], int) else None
