"""Keeps the broker's list of the revoked young, and makes a revocation count within seconds.

Order: the list is on disk, the broker is told, the connection is cut; so that who is cut cannot come
back. The cut is made three times, since nobody says when the broker has read the list. What fails is
tried again and stays unenforced in the database, where `centre-monitor revoke` waits for it.
"""

import logging
import subprocess
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from central.config import Enrol
from central.enrol import ledger
from central.enrol.authority import Authority, Revoked, revocation_list_end
from central.enrol.cut import cut
from telemetry.durable import make_folder, write_durably

log = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0
_RETRY_SECONDS = 10.0
_CUTS_AFTER_SECONDS = (0.5, 1.5, 4.0)
_RELOAD_SECONDS = 30.0
_MAKE_ANEW = timedelta(days=1)


class Warden(threading.Thread):
    """The one writer of the list. `ended` is called when `run` ends, planned or by a bug.

    told_end: when the list that the broker was told of is out of date; None while it was told of none.
    """

    def __init__(self, engine: Engine, authority: Authority, config: Enrol, ended: Callable[[], None]) -> None:
        super().__init__(name="warden", daemon=True)
        self._ended = ended
        self.told_end: datetime | None = None
        self._engine, self._authority, self._config = engine, authority, config
        self._file = Path(config.crl_file)
        self._stopping = threading.Event()
        self._failing = False

    def run(self) -> None:
        """Until `stop`."""
        try:
            while not self._stopping.is_set():
                self._try()
                self._stopping.wait(_RETRY_SECONDS if self._failing else _LOOK_SECONDS)
        finally:
            self._ended()

    def stop(self) -> None:
        """End `run`."""
        self._stopping.set()

    def _try(self) -> None:
        try:
            self.look()
            self._failing = False
        except (SQLAlchemyError, OSError, ValueError, subprocess.SubprocessError) as problem:
            if not self._failing:
                log.error("revocations do not reach the broker, trying again cause=%r", str(problem)[:160])
            self._failing = True

    def look(self) -> None:
        """Do what there is to do now; raises OSError, SQLAlchemyError, subprocess.SubprocessError."""
        waiting = ledger.unenforced(self._engine)
        if waiting or self._due():
            gone = ledger.revoked(self._engine, datetime.now(UTC))
            write_list(gone, self._authority, self._file, self._config.crl_days)
        elif self._list_end() == self.told_end:
            return
        self._tell_broker()
        self.told_end = self._list_end()
        if waiting:
            self._cut(sorted(set(waiting.values())))
            ledger.mark_enforced(self._engine, list(waiting), datetime.now(UTC))
            log.warning("revocation is enforced centres=%s", ",".join(sorted(set(waiting.values()))))

    def _list_end(self) -> datetime | None:
        try:
            return revocation_list_end(self._file.read_bytes())
        except (OSError, ValueError):
            return None

    def _due(self) -> bool:
        end, life = self._list_end(), timedelta(days=self._config.crl_days)
        return end is None or end - life + min(_MAKE_ANEW, life / 3) < datetime.now(UTC)

    def _tell_broker(self) -> None:
        command = self._config.broker_reload
        if command:
            subprocess.run(command, check=True, timeout=_RELOAD_SECONDS, stdin=subprocess.DEVNULL)

    def _cut(self, centres: list[str]) -> None:
        if not self._config.cut_port:
            return
        for seconds in _CUTS_AFTER_SECONDS:
            self._stopping.wait(seconds)
            for centre in centres:
                cut(self._authority, self._config.cut_host, self._config.cut_port, centre)


def write_list(gone: Iterable[Revoked], authority: Authority, file: Path, days: float) -> datetime:
    """A new list of the revoked in `file`, which everybody may read; returns when it is out of date."""
    now = datetime.now(UTC)
    end = now + timedelta(days=days)
    if not file.parent.is_dir():
        make_folder(file.parent)
        file.parent.chmod(0o755)
    write_durably(file, authority.revocation_list(gone, now, end), mode=0o644)
    return end
