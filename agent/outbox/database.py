"""The open file of the outbox: a connection that comes back, and a file that is begun anew when it is damaged.

A disk that takes nothing is said and tried again, never raised.
"""

import contextlib
import logging
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.clock import Clock
from agent.outbox import dates, losses
from agent.outbox.file import damaged, damaged_when_opened, opened, salvage, set_aside
from agent.outbox.losses import Loss
from agent.outbox.mark import Mark
from agent.outbox.wal import commits_lost

log = logging.getLogger(__name__)


class Database:
    """`growing` names the rows that are not sealed yet; `begun_anew` is called when the file is a new one."""

    def __init__(
        self,
        path: Path,
        max_age_seconds: float,
        clock: Clock,
        growing: Callable[[], list[int]],
        begun_anew: Callable[[], None],
    ) -> None:
        self._path, self._max_age, self._clock = path, max_age_seconds, clock
        self._growing, self._begun_anew = growing, begun_anew
        self._db: sqlite3.Connection | None = None
        self.epoch = secrets.randbits(32)
        self.name = 0
        """A number that is the file's own for as long as it lives."""
        self.sids: set[str] = set()
        """Schemas that the file holds, as far as we have seen."""
        self.bytes = self.undated = 0
        self.mark = Mark(path.with_name(f"{path.name}.mark"))
        self._lost = 0
        """Rows gone with damage, until a disk that takes something has been told."""
        self.writable = False
        with contextlib.suppress(sqlite3.Error, OSError):
            self._connect()

    def work(self, act: Callable[[sqlite3.Connection], None]) -> bool:
        """Let `act` read and write; whether the disk took it."""
        try:
            db = self._connect()
            self._tell_lost(db)
            act(db)
        except sqlite3.DatabaseError as problem:
            self._failed(problem)
        except UnicodeDecodeError as problem:
            self._failed(_unreadable(problem))
        except OSError as problem:
            self._set_writable(False, str(problem))
        else:
            self._set_writable(True)
            return True
        return False

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a query finds; nothing while the file cannot be read."""
        try:
            return self._connect().execute(query, parameters).fetchall()
        except sqlite3.DatabaseError as problem:
            self._failed(problem)
        except UnicodeDecodeError as problem:
            self._failed(_unreadable(problem))
        except OSError:
            pass
        return []

    def measure(self, db: sqlite3.Connection) -> None:
        """Count again what the rows take, and how many wait for a date."""
        self.bytes = db.execute("SELECT coalesce(sum(size), 0) FROM batch").fetchone()[0]
        self.undated = dates.undated(db)

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _connect(self) -> sqlite3.Connection:
        if self._db is None:
            self._lost += commits_lost(Path(f"{self._path}-wal"))
            try:
                self._db = self._begun(opened(self._path))
                self._tell_lost(self._db)
            except UnicodeDecodeError as problem:
                self._db = self._anew(_unreadable(problem))
            except sqlite3.DatabaseError as problem:
                if not damaged_when_opened(problem):
                    raise
                self._db = self._anew(problem)
        return self._db

    def _begun(self, db: sqlite3.Connection) -> sqlite3.Connection:
        """Seal what the last life left open; forget what it left empty."""
        try:
            with db:
                db.execute("DELETE FROM batch WHERE size = 0")
                db.execute("UPDATE batch SET sealed = 1")
                db.executemany("UPDATE batch SET sealed = 0 WHERE seq = ?", [(seq,) for seq in self._growing()])
                db.execute("DELETE FROM schema WHERE sid NOT IN (SELECT sid FROM batch)")
                db.execute("INSERT OR IGNORE INTO meta VALUES('name', ?)", (secrets.randbits(32),))
                dates.give_up_undatable(db, self._clock)
            self.name = db.execute("SELECT value FROM meta WHERE key = 'name'").fetchone()[0]
            self._lost = max(self._lost, self.mark.rows_lost(db, self.name))
            self.measure(db)
        except BaseException:
            db.close()
            raise
        self.sids.clear()
        return db

    def _failed(self, problem: sqlite3.DatabaseError) -> None:
        self.close()
        self._set_writable(False, str(problem))
        if damaged(problem):
            with contextlib.suppress(sqlite3.Error, OSError):
                self._db = self._anew(problem)

    def _anew(self, problem: sqlite3.DatabaseError) -> sqlite3.Connection:
        """The damaged file out of the way, what can be read of it saved, a new epoch."""
        aside = set_aside(self._path, self._clock.now())
        self.epoch = secrets.randbits(32)
        self._begun_anew()
        db = self._begun(opened(self._path))
        try:
            saved, others = salvage(aside, db, self.epoch)
        except sqlite3.Error as fault:  # no room for a second copy: the file stays where it is, and is counted
            log.error("a damaged outbox could not be brought over file=%s cause=%r", aside.name, str(fault)[:80])
            saved, others = 0, None
        self._lost += 1 if others is None else others
        self._tell_lost(db)
        self.measure(db)
        log.error(
            "outbox damaged, set aside and begun anew file=%s saved=%d lost=%s cause=%r",
            aside.name, saved, "unknown" if others is None else others, str(problem)[:80],
        )  # fmt: skip
        return db

    def _tell_lost(self, db: sqlite3.Connection) -> None:
        """So many or fewer; of which times, nobody knows: of all that the file may have held."""
        if self._lost:
            now = self._clock.now()
            loss = Loss("damaged", self._lost, None, round((now - self._max_age) * 1000), round(now * 1000))
            with db:
                losses.record(db, loss)
            self.mark.write(self.name, {})  # it has said what it had to say
            log.error("the outbox has lost rows to damage count=%d", self._lost)
            self._lost = 0

    def _set_writable(self, now: bool, cause: str = "") -> None:
        if now and not self.writable:
            log.info("readings reach the disk")
        if not now and self.writable:
            log.error("readings do not reach the disk cause=%r", cause[:80])
        self.writable = now


def _unreadable(problem: UnicodeDecodeError) -> sqlite3.DatabaseError:
    """Python decodes texts and messages of SQLite itself: octets that are none are a damaged file."""
    return sqlite3.DatabaseError(f"malformed: {problem.reason}")
