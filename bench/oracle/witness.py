"""Reads an outbox's file through a connection of its own: what it finds there is on the gateway's disk.

It takes no word of the code under test but the layout of the file and the wire format.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from bench.oracle.words import OnDisk
from telemetry.errors import Rejected
from telemetry.wire import decode_batch, decode_schema

_LOOK_BACK = 8
"""Rows that may still grow, with those begun since: a lane has one open."""


class Witness:
    """Of the file of one centre."""

    def __init__(self, centre: str, file: Path) -> None:
        self._centre, self._file = centre, file
        self._db: sqlite3.Connection | None = None
        self._inode = 0
        self._newest = 0
        self._sizes: dict[int, int] = {}
        self._seen: set[tuple[str, int]] = set()

    def look(self) -> list[OnDisk]:
        """What is there that was not there at the last look; nothing while the file cannot be read."""
        try:
            self._follow()
            return list(self._new())
        except (OSError, sqlite3.Error, ValueError):  # ValueError: SQLite's words about damage need not be UTF-8
            self.close()
            return []

    def close(self) -> None:
        """Let go of the file."""
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
        self._db = None

    def _follow(self) -> None:
        """The file may have been set aside for a new one."""
        inode = self._file.stat().st_ino
        if self._db is None or inode != self._inode:
            self.close()
            self._db = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=5)
            self._inode, self._newest, self._sizes = inode, 0, {}

    def _new(self) -> Iterator[OnDisk]:
        assert self._db is not None
        rows = self._db.execute(
            "SELECT seq, size FROM batch WHERE seq > ? AND size > 0", (self._newest - _LOOK_BACK,)
        ).fetchall()
        for seq, size in rows:
            if self._sizes.get(seq) != size:
                yield from self._values(seq)
            self._sizes[seq] = size
            self._newest = max(self._newest, seq)
        for seq in [one for one in self._sizes if one <= self._newest - _LOOK_BACK]:
            del self._sizes[seq]

    def _values(self, seq: int) -> Iterator[OnDisk]:
        assert self._db is not None
        found = self._db.execute(
            "SELECT body, (SELECT body FROM schema WHERE schema.sid = batch.sid) FROM batch WHERE seq = ?", (seq,)
        ).fetchone()
        if found is None:
            return
        try:
            schema = decode_schema(found[1])
            batch = decode_batch(found[0], schema)
        except (Rejected, TypeError):  # damaged between two runs: SQLite may even give another type
            return
        for series, column in zip(schema.series, batch.columns, strict=True):
            for value in column:
                if value is not None and (key := (series.labels[0], value)) not in self._seen:
                    self._seen.add(key)
                    yield OnDisk(self._centre, series.labels[0], value, batch.epoch, seq)
