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
        month = now.strftime("%Y-%m")
        if self.spent.month == "damaged":
            self.spent.month = month
        if month > self.spent.month:  # a clock that jumps back does not fill the purse again
            self.spent = Spent(
                month, tests=self.spent.tests, last_test=self.spent.last_test, last_success=self.spent.last_success,
                total_down=self.spent.total_down, total_up=self.spent.total_up,
            )  # fmt: skip
