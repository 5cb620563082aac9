"""What a site's throughput tests have taught, kept over a restart, and what kind of test comes next.

A line is looked at by a pair, quick and sustained at one moment, daily in the first week and weekly
after it; a bursty one gets sustained tests only, half as often, for they cost more. A result far below
the contract is confirmed by one more test within 10-20 minutes. The file is small and bounded; if it is
lost, the site is as new.
"""

import contextlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from msgspec import Struct

from collectors import kept
from collectors.internet.burst import Ratios, is_bursty, with_pair
from collectors.internet.engines import Direction, Result, TestClass

Kind = Literal["quick", "sustained", "pair", "full"]
CONFIRM_BELOW = 0.8
_CONFIRM_MINUTES = (10, 20)
_CONFIRM_LATE = timedelta(hours=1)
_FIRST_WEEK, _DAILY, _WEEKLY = timedelta(days=7), timedelta(hours=20), timedelta(days=6, hours=20)
_CLOCK_IS_SET_SINCE = 2025
_DIRECTIONS: tuple[Direction, ...] = ("down", "up")


class Lessons(Struct):
    """Times in Unix seconds, 0: never. ratios: of the last pairs, by direction."""

    first_test: float = 0.0
    last_pair: float = 0.0
    confirm_at: float = 0.0
    ratios: dict[Direction, Ratios] = {}
    capped: tuple[Direction, ...] = ()
    """Directions in which the last usual test ended at its byte cap."""
    last_full: float = 0.0


class History:
    """`lessons`, kept in `file`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.lessons = self._read()

    @property
    def never_sustained(self) -> bool:
        """Whether no sustained test of a pair has measured anything yet."""
        return not self.lessons.last_pair

    @property
    def bursty(self) -> bool:
        """Whether quick tests of this line are not to be believed."""
        return any(is_bursty(ratios) for ratios in self.lessons.ratios.values())

    @property
    def knows_bursts(self) -> bool:
        """Whether there was a pair yet."""
        return any(self.lessons.ratios.values())

    def next_kind(self, now: datetime) -> Kind:
        """Of a test that begins now."""
        lessons = self.lessons
        age = now.timestamp() - lessons.first_test
        first_week = age < _FIRST_WEEK.total_seconds()
        since_pair = now.timestamp() - lessons.last_pair
        every = _DAILY if first_week else _WEEKLY
        if since_pair < 0 or since_pair >= every.total_seconds():  # below 0: the clock was wrong
            return "pair"
        return self.usual

    @property
    def usual(self) -> TestClass:
        """The kind of a test that is no pair."""
        return "sustained" if self.bursty else "quick"

    def tests_per_day(self, wanted: int) -> int:
        """Sustained tests cost four times as much, so there are fewer."""
        return max(1, wanted // 2) if self.bursty else wanted

    def confirm_is_due(self, now: datetime) -> bool:
        """Whether the moment of a confirmation has come; one that was missed by an hour is let go."""
        return 0 <= now.timestamp() - self.lessons.confirm_at < _CONFIRM_LATE.total_seconds()

    def tested(self, now: datetime, *, confirming: bool, poor: bool, share: float) -> None:
        """A test has ended. poor: it is to be confirmed, in 10-20 minutes by the site's own `share` of 0-1."""
        lessons = self.lessons
        lessons.confirm_at = 0.0
        if now.year < _CLOCK_IS_SET_SINCE:
            return
        if not 0 < lessons.first_test <= now.timestamp():
            lessons.first_test = now.timestamp()
        if poor and not confirming:
            least, most = _CONFIRM_MINUTES
            lessons.confirm_at = now.timestamp() + 60 * (least + share * (most - least))

    def paired(self, now: datetime, quick: Result, sustained: Result) -> None:
        """A pair has ended; a direction counts if both have measured it to the end. One that failed is made again."""
        for way in _DIRECTIONS:
            short, long = quick.measured(way), sustained.measured(way)
            if not short or not long:
                continue
            self.lessons.last_pair = now.timestamp()
            if short.converged and long.stop != "cap":
                ratios = self.lessons.ratios.get(way, ())
                rates = short.line_bytes_per_second, long.line_bytes_per_second
                self.lessons.ratios[way] = with_pair(ratios, *rates)

    def full_since(self, now: datetime) -> float:
        """From when the time to the next full-length test counts, Unix time; `now` where the clock was wrong."""
        known = (self.lessons.first_test, self.lessons.last_full)
        return max((at for at in known if 0 < at <= now.timestamp()), default=now.timestamp())

    def looked(self, result: Result) -> None:
        """A usual test has ended: whether at its cap. What was not measured stays as it was."""
        found = {way: one.stop == "cap" for way in _DIRECTIONS if (one := result.measured(way))}
        before = self.lessons.capped
        self.lessons.capped = tuple(way for way in _DIRECTIONS if found.get(way, way in before))

    def looked_fully(self, now: datetime, result: Result) -> None:
        """A full-length test has ended; one that failed is made again the next day."""
        if result.down or result.up:
            self.lessons.last_full = now.timestamp()

    def let_go(self) -> None:
        """A confirmation that was due is not made."""
        self.lessons.confirm_at = 0.0

    def save(self) -> None:
        """Replace the file; a disk that takes nothing is not an error here."""
        with contextlib.suppress(OSError):
            kept.write(self._file, self.lessons)

    def _read(self) -> Lessons:
        return kept.read(self._file, Lessons) or Lessons()
