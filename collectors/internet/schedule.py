"""When to test throughput: each day is cut into slots, each site takes its own moment in each. Pure.

The moment is a hash of site, day and slot, so that 10,000 sites spread evenly without talking to
each other, and a site keeps its moments over a restart.
"""

import hashlib
from datetime import datetime, timedelta


def moment(site: str, day: datetime, slot: int, slots: int, opens: int, closes: int) -> datetime:
    """The start of the test in this slot; `day` is any local time of that day, hours are local, 0-24."""
    length = timedelta(hours=closes - opens) / slots
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(hours=opens) + slot * length + _share(site, f"{day:%Y-%m-%d}", slot) * length


def due(site: str, now: datetime, last_test: datetime | None, slots: int, opens: int, closes: int) -> bool:
    """Whether the moment of a slot has passed without a test since; a slot missed by hours is let go.

    A site that was never tested is due at once, within the opening hours.
    """
    if last_test is None or last_test > now + timedelta(days=1):  # or the clock was wrong when it was written
        return opens <= now.hour < closes
    passed = [at for slot in range(slots) if (at := moment(site, now, slot, slots, opens, closes)) <= now]
    if not passed:
        return False
    latest = passed[-1]
    late = timedelta(hours=closes - opens) / slots
    return now - latest < late and last_test < latest


def boot_hold_seconds(site: str, most: float = 3600.0) -> float:
    """How long to wait after a start: power returns to a whole district at once."""
    return _share(site, "boot", 0) * most


def _share(site: str, day: str, slot: int) -> float:
    digest = hashlib.sha256(f"{site}/{day}/{slot}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
