"""The outage that is on, kept on disk: it survives a restart of the agent and a power loss of the gateway.

Written when an outage begins or ends and at most each 30 s in between. The event that ended one is kept until the
reading after it: only then is it surely in the outbox, and until then the next run tells it again, the same event.
A file that cannot be read is as good as none.
"""

import contextlib
import time
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from collectors import kept
from collectors.outage import Outages
from telemetry.event import Event

_EVERY_SECONDS = 30.0
_STEP_SECONDS = 2.0


class Page(Struct, frozen=True):
    """On disk: the outage that is on, if any; the event that ended the one before, as long as it may be lost."""

    outages: Outages
    ended: Event | None = None


class Journal:
    """Keeps an Outages in `file`."""

    def __init__(self, file: Path, name: str, inferred_from: str = "") -> None:
        self._file = file
        self.outages, self._ended = self._read(Outages(name, inferred_from))
        self._unsure = self._ended
        self._ahead: float | None = None
        self._saved: tuple[datetime | None, datetime | None] = (self.outages.since, self.outages.last_seen)

    def tell_time(self, at: datetime) -> None:
        """The moment of the reading that comes next, told at that moment: whether the clock was set since the last."""
        ahead = at.timestamp() - time.monotonic()
        before, self._ahead = self._ahead, ahead
        if before is not None and abs(ahead - before) > _STEP_SECONDS:
            self.outages.step(timedelta(seconds=ahead - before))

    def keep(self, event: Event | None = None) -> list[Event]:
        """What there is to tell with this reading: its event, and an end that the last run may not have got away.

        Writes what matters, if it changed enough.
        """
        tell = [one for one in (self._unsure, event) if one is not None]
        before, self._ended = self._ended, event if event is not None and event.end else self._unsure
        self._unsure = None
        since, seen = self.outages.since, self.outages.last_seen
        before_since, before_seen = self._saved
        recent = seen and before_seen and (seen - before_seen).total_seconds() < _EVERY_SECONDS
        if (since, self._ended) != (before_since, before) or not (recent or seen == before_seen):
            self._saved = (since, seen)
            with contextlib.suppress(OSError):
                self._write()
        return tell

    def _write(self) -> None:
        if self.outages.since is None and self._ended is None:
            self._file.unlink(missing_ok=True)
            return
        kept.write(self._file, Page(self.outages, self._ended))

    def _read(self, fresh: Outages) -> tuple[Outages, Event | None]:
        page = kept.read(self._file, Page)
        if page is None:
            return fresh, None
        found = page.outages
        if (found.name, found.inferred_from) != (fresh.name, fresh.inferred_from):
            return fresh, None
        if found.since is None:
            return fresh, page.ended
        return replace(found, transfers=0, last_status=None, restored=True), page.ended
