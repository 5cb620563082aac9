"""Outages and transfers at one UPS or another witness of mains, from the statuses seen. Pure: time and status come in.

An outage begins with the first reading on battery or without mains and ends with the first reading on
mains; a self-test is not one. While nothing is read, nothing is concluded. Its depth (lowest charge, longest
runtime estimate, highest load) is kept as evidence; so is how long of it the agent was not there
(gap_seconds), and whether that hid its end (ended: unseen).
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct

from telemetry.event import Event

_MAINS = ("online", "bypass", "boost", "trim", "eco", "mains")
"""Sources that need mains; a UPS that is off or waits for mains has not seen it."""
_NO_MAINS = ("on_battery", "no_mains")
Evidence = dict[str, str | float | int | bool]


class Outages(Struct):
    """Transfers since the agent started; `since` is the start of the outage that is on."""

    name: str
    inferred_from: str = ""
    """Empty: a UPS says so, by statuses of its own. Else what `mains` and `no_mains` are inferred from."""
    transfers: int = 0
    since: datetime | None = None
    event_id: str = ""
    """What its event is called, also when the clock is set meanwhile."""
    last_seen: datetime | None = None
    last_status: str | None = None
    restored: bool = False
    """The outage began before the agent did, and nothing was read of it since."""
    gap_seconds: int = 0
    """So long of the present outage no agent was there."""
    charge_low: float | None = None
    runtime_high: float | None = None
    load_high: float | None = None

    def see(
        self,
        status: str,
        at: datetime,
        runtime_seconds: float | None,
        charge_ratio: float | None = None,
        load_ratio: float | None = None,
    ) -> Event | None:
        """Take one reading; return the event that begins or ends with it, if any."""
        if self.restored and self.last_seen is not None and at < self.last_seen:
            return None  # the clock is not set yet after a power cut: when this is, nobody knows
        before, self.last_status = self.last_status, status
        event = None
        if status in _NO_MAINS:
            event = None if self.since else self._begin(before, at, runtime_seconds)
            self._deepen(at, runtime_seconds, charge_ratio, load_ratio)
        elif status in _MAINS and self.since is not None:
            event = self._end(at, runtime_seconds)
        return event

    def step(self, by: timedelta) -> None:
        """The clock was set: what this run stamped moves with it; what another run stamped stays."""
        if self.since is not None and not self.restored:
            self.since += by
            self.last_seen = self.last_seen and self.last_seen + by

    def seconds(self, at: datetime) -> float:
        """How long the present outage has lasted; 0 on mains."""
        return max(0.0, (at - self.since).total_seconds()) if self.since else 0.0

    def _begin(self, before: str | None, at: datetime, runtime_seconds: float | None) -> Event:
        what = f"mains-{self.name}" if self.inferred_from else self.name
        self.since, self.event_id = at, f"outage-{what}-{int(at.timestamp())}"
        self.transfers += before is not None
        return self._event(at, None, self._evidence(runtime_seconds))

    def _deepen(self, at: datetime, runtime: float | None, charge: float | None, load: float | None) -> None:
        self._close_gap(at)
        self.last_seen = at
        self.charge_low = _extreme(min, self.charge_low, charge)
        self.runtime_high = _extreme(max, self.runtime_high, runtime)
        self.load_high = _extreme(max, self.load_high, load)

    def _close_gap(self, at: datetime) -> None:
        if self.restored and self.last_seen is not None:
            self.gap_seconds += max(0, round((at - self.last_seen).total_seconds()))
        self.restored = False

    def _end(self, at: datetime, runtime_seconds: float | None) -> Event:
        assert self.since is not None
        evidence = self._evidence(runtime_seconds)
        depth = {"charge_low": self.charge_low, "runtime_high_seconds": self.runtime_high, "load_high": self.load_high}
        evidence |= {name: value for name, value in depth.items() if value is not None}
        if self.restored:
            evidence["ended"] = "unseen"
        self._close_gap(at)
        if self.gap_seconds or "ended" in evidence:
            evidence["gap_seconds"] = self.gap_seconds
        event = self._event(self.since, max(at, self.since), evidence)
        self.since = self.last_seen = self.charge_low = self.runtime_high = self.load_high = None
        self.gap_seconds = 0
        return event

    def _evidence(self, runtime_seconds: float | None) -> Evidence:
        if self.inferred_from:
            return {"source": self.name, "inferred_from": self.inferred_from}
        return {"ups": self.name} if runtime_seconds is None else {"ups": self.name, "runtime_seconds": runtime_seconds}

    def _event(self, start: datetime, end: datetime | None, evidence: Evidence) -> Event:
        return Event("outage", self.event_id, start, end, evidence)


def _extreme(choose: Callable[[float, float], float], known: float | None, new: float | None) -> float | None:
    if new is None:
        return known
    return new if known is None else choose(known, new)
