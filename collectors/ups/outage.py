"""Outages and transfers of one UPS, from the statuses seen. Pure: time and status come in.

An outage begins with the first reading on battery and ends with the first reading on mains; a
self-test is not one. While nothing is read, nothing is concluded.
"""

from datetime import datetime

from msgspec import Struct

from telemetry.event import Event

_MAINS = ("online", "bypass", "boost", "trim", "eco")
"""Sources that need mains; a UPS that is off or waits for mains has not seen it."""


class Outages(Struct):
    """Counts since the agent started; `since` is the start of the outage that is on."""

    ups: str
    transfers: int = 0
    since: datetime | None = None
    last_status: str | None = None

    def see(self, status: str, at: datetime, runtime_seconds: float | None) -> Event | None:
        """Take one status; return the event that begins or ends with it, if any."""
        before, self.last_status = self.last_status, status
        if status == "on_battery" and self.since is None:
            self.since = at
            self.transfers += before is not None
            return self._event(None, runtime_seconds)
        if status in _MAINS and self.since is not None:
            event = self._event(max(at, self.since), runtime_seconds)
            self.since = None
            return event
        return None

    def seconds(self, at: datetime) -> float:
        """How long the present outage has lasted; 0 on mains."""
        return max(0.0, (at - self.since).total_seconds()) if self.since else 0.0

    def _event(self, end: datetime | None, runtime_seconds: float | None) -> Event:
        assert self.since is not None
        evidence: dict[str, str | float | int | bool] = {"ups": self.ups}
        if runtime_seconds is not None:
            evidence["runtime_seconds"] = runtime_seconds
        return Event("outage", f"outage-{self.ups}-{int(self.since.timestamp())}", self.since, end, evidence)
