"""Whether the last run of the agent ended as planned: a file that is there only while it runs.

After a power loss the file tells when the agent was last alive; the gap is a fact for the operations
centre, not a guess.
"""

import contextlib
import time
from datetime import UTC, datetime
from pathlib import Path

from agent import VERSION
from agent.clock import Clock
from telemetry.event import Event


class Heartbeat:
    """`file` holds the Unix time of the last beat. While the time is unknown nothing is written and nothing told."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file, self._clock = file, clock
        self._before = self._read()
        self._started = time.monotonic()
        self._told = False

    def restart(self) -> Event | None:
        """The restart event, once the time is known: from the last beat of an unclean run, else from the start."""
        if self._told or self._clock.unset:
            return None
        self._told = True
        since_start = time.monotonic() - self._started
        at = datetime.fromtimestamp(self._clock.now() - since_start, UTC)
        name, before = f"restart-{int(at.timestamp())}", self._before
        if before is None:
            return Event("restart", name, at, at, {"version": VERSION, "clean": True})
        evidence: dict[str, str | float | int | bool] = {"version": VERSION, "clean": False}
        if before > at:  # the last run believed another time
            return Event("restart", name, at, at, evidence)
        return Event("restart", name, before, at, {**evidence, "gap_seconds": round((at - before).total_seconds())})

    def beat(self) -> None:
        """Still alive; a disk that takes nothing is said elsewhere."""
        if self._clock.unset:
            return
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(f"{self._clock.now():.0f}\n", encoding="ascii")

    def end(self) -> None:
        """A planned stop."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _read(self) -> datetime | None:
        try:
            return datetime.fromtimestamp(float(self._file.read_text(encoding="ascii")), UTC)
        except (OSError, ValueError, OverflowError):
            return None
