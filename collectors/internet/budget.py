"""What measuring may cost in a month. Spent bytes survive a restart; a torn file counts as spent.

The file is replaced atomically. If it cannot be read, the month starts with nothing left for
tests: overspending a metered line is worse than a month with fewer of them.
"""

import contextlib
import os
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

_MONTHS_KEPT = 12
_CLOCK_IS_SET_SINCE = 2025


class Spent(Struct):
    """One month, "2026-11". Bytes on the line by direction, for tests and for probes, and tests by result."""

    month: str
    down: int = 0
    up: int = 0
    probe_down: int = 0
    probe_up: int = 0
    tests: dict[str, int] = {}
    last_test: float = 0.0
    last_success: float = 0.0
    total_down: int = 0
    total_up: int = 0
    past: dict[str, tuple[int, int, int, int]] = {}
    """Earlier months, for a clock that comes back to them."""


class Budget:
    """`monthly_bytes` for tests and probes together, kept in `file`."""

    def __init__(self, file: Path, monthly_bytes: int) -> None:
        self._file, self._monthly = file, monthly_bytes
        self.spent = self._read()

    def remaining(self, now: datetime) -> int:
        """Bytes left this month; never negative."""
        self._turn_month(now)
        spent = self.spent
        return max(0, self._monthly - spent.down - spent.up - spent.probe_down - spent.probe_up)

    def spend(self, now: datetime, *, down: int = 0, up: int = 0, probe: bool = False) -> None:
        """Bytes that crossed the line on our account."""
        self._turn_month(now)
        if probe:
            self.spent.probe_down += down
            self.spent.probe_up += up
        else:
            self.spent.down += down
            self.spent.up += up
            self.spent.total_down += down
            self.spent.total_up += up

    def count(self, result: str, now: datetime, *, success: bool) -> None:
        """One test, by how it ended."""
        self.spent.tests[result] = self.spent.tests.get(result, 0) + 1
        self.spent.last_test = now.timestamp()
        if success:
            self.spent.last_success = now.timestamp()

    def save(self) -> None:
        """Replace the file; a disk that takes nothing is not an error here."""
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._file.with_suffix(".new")
            with fresh.open("wb") as handle:
                handle.write(msgspec.json.encode(self.spent))
                handle.flush()
                os.fsync(handle.fileno())
            fresh.replace(self._file)

    def _read(self) -> Spent:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Spent)
        except FileNotFoundError:
            return Spent("")
        except (OSError, msgspec.DecodeError):
            return Spent("damaged", down=self._monthly)

    def _turn_month(self, now: datetime) -> None:
        """A later month begins with a full purse; an earlier one is a wrong clock, and fills nothing."""
        if now.year < _CLOCK_IS_SET_SINCE:
            return  # before time synchronisation, on a gateway without a clock battery
        month, spent = now.strftime("%Y-%m"), self.spent
        if spent.month == "damaged":
            spent.month = month
        if month == spent.month:
            return
        spent.past[spent.month] = (spent.down, spent.up, spent.probe_down, spent.probe_up)
        if month in spent.past:
            spent.down, spent.up, spent.probe_down, spent.probe_up = spent.past[month]
        elif month > spent.month:
            spent.down = spent.up = spent.probe_down = spent.probe_up = 0
        spent.month = month
        while len(spent.past) > _MONTHS_KEPT:
            del spent.past[next(iter(spent.past))]
