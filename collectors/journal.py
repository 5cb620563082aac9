"""The outage that is on, kept on disk: it survives a restart of the agent and a power loss of the gateway.

Written when an outage begins or ends and at most each 30 s in between. A file that cannot be read
is as good as none.
"""

import contextlib
import time
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from collectors import kept
from collectors.outage import Outages

_EVERY_SECONDS = 30.0
_STEP_SECONDS = 2.0


class Journal:
    """Keeps an Outages in `file`."""

    def __init__(self, file: Path, name: str, inferred_from: str = "") -> None:
        self._file = file
        self.outages = self._read(Outages(name, inferred_from))
        self._ahead: float | None = None
        self._saved: tuple[datetime | None, datetime | None] = (self.outages.since, self.outages.last_seen)

    def tell_time(self, at: datetime) -> None:
        """The moment of the reading that comes next, told at that moment: whether the clock was set since the last."""
        ahead = at.timestamp() - time.monotonic()
        before, self._ahead = self._ahead, ahead
        if before is not None and abs(ahead - before) > _STEP_SECONDS:
            self.outages.step(timedelta(seconds=ahead - before))

    def keep(self) -> None:
        """Write what matters, if it changed enough."""
        since, seen = self.outages.since, self.outages.last_seen
        before_since, before_seen = self._saved
        recent = seen and before_seen and (seen - before_seen).total_seconds() < _EVERY_SECONDS
        if since == before_since and (recent or seen == before_seen):
            return
        self._saved = (since, seen)
        with contextlib.suppress(OSError):
            self._write()

    def _write(self) -> None:
        if self.outages.since is None:
            self._file.unlink(missing_ok=True)
            return
        kept.write(self._file, self.outages)

    def _read(self, fresh: Outages) -> Outages:
        found = kept.read(self._file, Outages)
        if found is None or (found.name, found.inferred_from) != (fresh.name, fresh.inferred_from):
            return fresh
        if found.since is None:
            return fresh
        return msgspec.structs.replace(found, transfers=0, last_status=None, restored=True)
