"""Whether the last run of the agent ended as planned: a file that is there only while it runs.

After a power loss the file tells when the agent was last alive; the gap is a fact for the operations
centre, not a guess.
"""

import contextlib
from datetime import UTC, datetime
from pathlib import Path

from agent import VERSION
from telemetry.event import Event


class Heartbeat:
    """`file` holds the Unix time of the last beat."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._before = self._read()
        self._told = False

    def restart(self, at: datetime) -> Event | None:
        """The restart event, once: from the last beat of an unclean run, else from now, to now."""
        if self._told:
            return None
        self._told = True
        before = self._before
        if before is None or before > at:
            return Event("restart", f"restart-{int(at.timestamp())}", at, at, {"version": VERSION, "clean": True})
        gap = round((at - before).total_seconds())
        evidence: dict[str, str | float | int | bool] = {"version": VERSION, "clean": False, "gap_seconds": gap}
        return Event("restart", f"restart-{int(at.timestamp())}", before, at, evidence)

    def beat(self, at: datetime) -> None:
        """Still alive; a disk that takes nothing is said elsewhere."""
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(f"{at.timestamp():.0f}\n", encoding="ascii")

    def end(self) -> None:
        """A planned stop."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _read(self) -> datetime | None:
        try:
            return datetime.fromtimestamp(float(self._file.read_text(encoding="ascii")), UTC)
        except (OSError, ValueError, OverflowError):
            return None
