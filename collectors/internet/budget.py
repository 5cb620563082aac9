"""What measuring may cost: so much a month, and within it a purse that fills day by day.

The month is the hard limit; the purse spreads it, a thirtieth a day, and carries 3 days over. What a
test may cost is written down before it begins and corrected after it, so that a power cut in between
never makes it free. The file is replaced atomically. If it cannot be read, the month starts with
nothing left for tests: overspending a metered line is worse than a month with fewer of them.
"""

from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from collectors import kept

_MONTHS_KEPT = 12
_CLOCK_IS_SET_SINCE = 2025
DAYS_A_MONTH = 30
_CARRY_DAYS = 3
_DAY_SECONDS = 86400.0
_NEWEST_SHARE = 0.3


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
    reserved_down: int = 0
    reserved_up: int = 0
    """What a test that has begun may cost."""
    purse: float | None = None
    purse_at: float = 0.0
    """Bytes that may be spent now, as of this Unix time; None: never filled."""
    test_cost: dict[str, float] = {}
    """What a test has cost lately, by direction; of a kind that is not quick, by "direction kind"."""
    capacity: dict[str, float] = {}
    """Bytes per second that the line last gave, by direction."""


class Budget:
    """`monthly_bytes` for tests and probes together, kept in `file`."""

    def __init__(self, file: Path, monthly_bytes: int) -> None:
        self._file, self.monthly = file, monthly_bytes
        self.spent = self._read()
        self.charge_reserved()

    def remaining(self, now: datetime) -> int:
        """Bytes left this month; never negative."""
        self._turn_month(now)
        spent = self.spent
        used = spent.down + spent.up + spent.probe_down + spent.probe_up + spent.reserved_down + spent.reserved_up
        return max(0, self.monthly - used)

    def available(self, now: datetime, *, one_test: float, probes_to_come: float = 0.0) -> float:
        """Bytes that a test may cost now: of the purse, and of the month less what its probes will still cost.

        one_test: what a test is expected to cost; a purse too small for it in 4 days saves for longer.
        """
        self._fill(now, one_test)
        reserved = self.spent.reserved_down + self.spent.reserved_up
        purse = (self.spent.purse or 0.0) - reserved
        return max(0.0, min(purse, self.remaining(now) - probes_to_come))

    def spend(self, now: datetime, *, down: int = 0, up: int = 0, probe: bool = False) -> None:
        """Bytes that crossed the line on our account."""
        self._turn_month(now)
        if self.spent.purse is not None:
            self.spent.purse -= down + up
        if probe:
            self.spent.probe_down += down
            self.spent.probe_up += up
        else:
            self.spent.down += down
            self.spent.up += up
            self.spent.total_down += down
            self.spent.total_up += up

    def reserve(self, now: datetime, *, down: int, up: int) -> bool:
        """Write down what a test may cost, before it begins; False when the disk does not take it."""
        self._turn_month(now)
        self.spent.reserved_down, self.spent.reserved_up = down, up
        if self.save():
            return True
        self.spent.reserved_down = self.spent.reserved_up = 0
        return False

    def settle(self, now: datetime, *, down: int, up: int, kind: str = "quick") -> None:
        """A test has ended: what it did cost, in place of what it might have."""
        self.spent.reserved_down = self.spent.reserved_up = 0
        self.spend(now, down=down, up=up)
        for way, cost in (("down", down), ("up", up)):
            if cost:
                key = _cost_key(way, kind)
                before = self.spent.test_cost.get(key, cost)
                self.spent.test_cost[key] = (1 - _NEWEST_SHARE) * before + _NEWEST_SHARE * cost
        self.save()

    def test_cost(self, way: str, kind: str = "quick") -> float | None:
        """Bytes that one direction of such a test has cost lately; None when there was none."""
        return self.spent.test_cost.get(_cost_key(way, kind))

    def count(self, result: str, now: datetime, *, success: bool) -> None:
        """One test, by how it ended."""
        self.tally(result)
        self.spent.last_test = now.timestamp()
        if success:
            self.spent.last_success = now.timestamp()

    def tally(self, result: str) -> None:
        """Count what did not use up the slot."""
        self.spent.tests[result] = self.spent.tests.get(result, 0) + 1

    def save(self, *, ahead: float = 0.0) -> bool:
        """Replace the file; False when the disk takes nothing.

        ahead: bytes that probing costs until the next save; in the file they count as spent, so that a power cut
        does not make them free.
        """
        spent = msgspec.structs.replace(self.spent, probe_up=self.spent.probe_up + round(ahead))
        try:
            kept.write(self._file, spent)
        except OSError:
            return False
        return True

    def _read(self) -> Spent:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Spent)
        except FileNotFoundError:
            return Spent("")
        except (OSError, msgspec.DecodeError):
            return Spent("damaged", down=self.monthly, purse=0.0)

    def charge_reserved(self) -> None:
        """A test was running when the power went: nobody knows what it has cost, so all that it might have."""
        spent = self.spent
        down, up, spent.reserved_down, spent.reserved_up = spent.reserved_down, spent.reserved_up, 0, 0
        spent.down += down
        spent.up += up
        spent.total_down += down
        spent.total_up += up
        if spent.purse is not None:
            spent.purse -= down + up

    def _fill(self, now: datetime, one_test: float) -> None:
        """Let the purse grow by a thirtieth of the month a day, up to 4 days' worth or one test."""
        if now.year < _CLOCK_IS_SET_SINCE:
            return
        daily, at = self.monthly / DAYS_A_MONTH, now.timestamp()
        most = max((1 + _CARRY_DAYS) * daily, min(one_test, self.monthly))
        if self.spent.purse is None:
            self.spent.purse, self.spent.purse_at = most, at
        grown = daily * max(0.0, at - self.spent.purse_at) / _DAY_SECONDS
        self.spent.purse, self.spent.purse_at = min(most, self.spent.purse + grown), at

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


def _cost_key(way: str, kind: str) -> str:
    return way if kind == "quick" else f"{way} {kind}"


def seconds_left_in_month(now: datetime) -> float:
    """Until the month of `now` ends, in its time zone."""
    later = now.replace(year=now.year + now.month // 12, month=now.month % 12 + 1, day=1)
    return (later.replace(hour=0, minute=0, second=0, microsecond=0) - now).total_seconds()
