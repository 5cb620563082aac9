"""When to test throughput: each day is cut into slots, each site takes its own moment in each. Pure.

The moment is a hash of site, day and slot, so that 10,000 sites spread evenly without talking to
each other, and a site keeps its moments over a restart.
"""

import hashlib
from datetime import datetime, timedelta

from msgspec import Struct

_RARE_DAYS = 3
_QUIET_HOURS, _AT_NIGHT = 2, 3


class Frequency(Struct, frozen=True):
    """`slots` tests a day, on one day of `days`."""

    slots: int
    days: int = 1


def affordable(wanted: int, cost: float, daily: float) -> Frequency:
    """As many tests a day as wanted, or what the money allows: 2, 1, or 1 each 3 days. Each test stays whole.

    cost: bytes of one test; daily: bytes a day that are left for tests.
    """
    steps = [wanted, *(fewer for fewer in (2, 1) if fewer < wanted)]
    slots = next((slots for slots in steps if slots * cost <= daily), None)
    return Frequency(1, _RARE_DAYS) if slots is None else Frequency(slots)


def moment(site: str, day: datetime, slot: int, slots: int, opens: int, closes: int) -> datetime:
    """The start of the test in this slot; `day` is any local time of that day, hours are local, 0-24."""
    length = timedelta(hours=closes - opens) / slots
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(hours=opens) + slot * length + _share(site, f"{day:%Y-%m-%d}", slot) * length


def due(
    site: str, now: datetime, last_test: datetime | None, slots: int, opens: int, closes: int, *, days: int = 1
) -> bool:
    """Whether the moment of a slot has passed without a test since; a slot missed by hours is let go.

    A site that was never tested is due at once, within the opening hours. days: only each so many days, the site's own.
    """
    if last_test is None or last_test > now + timedelta(days=1):  # or the clock was wrong when it was written
        return opens <= now.hour < closes
    if (now.toordinal() + int(_share(site, "day", days) * days)) % days:
        return False
    passed = [at for slot in range(slots) if (at := moment(site, now, slot, slots, opens, closes)) <= now]
    if not passed:
        return False
    latest = passed[-1]
    late = timedelta(hours=closes - opens) / slots
    return now - latest < late and last_test < latest


def quiet(site: str, now: datetime, last_test: datetime | None, opens: int, *, late: bool) -> bool:
    """Whether the day's moment for a test that everybody would feel has passed, without a test since.

    It lies in the first of the two hours before the opening, and is let go when they end; at a site that opens at
    night, in those from 3 h on. late: in the two hours after the opening, for a gateway that is off until then.
    """
    begins = opens if late else opens - _QUIET_HOURS if opens >= _QUIET_HOURS else _AT_NIGHT
    first = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(hours=begins)
    at = first + _share(site, f"quiet {now:%Y-%m-%d}", 0) * timedelta(hours=1)
    return at <= now < first + timedelta(hours=_QUIET_HOURS) and (last_test is None or not at <= last_test <= now)


def boot_hold_seconds(site: str, most: float = 3600.0) -> float:
    """How long to wait after a start: power returns to a whole district at once."""
    return _share(site, "boot", 0) * most


def deferral(site: str, now: datetime, number: int) -> timedelta:
    """How long to wait for a busy line: 2 to 15 minutes, the site's own each time."""
    return timedelta(minutes=2 + 13 * _share(site, f"{now:%Y-%m-%dT%H:%M}", number))


def _share(site: str, day: str, slot: int) -> float:
    digest = hashlib.sha256(f"{site}/{day}/{slot}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
