"""Which centres are there, and why the others are not. Pure: messages and times come in.

Evidence, in order: the last power state (on battery or without mains before it fell silent, also for
a gateway that shut down in time; a UPS that answers outranks what is inferred); the agent's own
goodbye; the last internet state (the line was already in trouble); then the neighbours
(neighbours.py); otherwise unknown, never a guess.
"""

from typing import Any

from msgspec import Struct


class Presence(Struct):
    """One centre. online is None while nobody knows."""

    online: bool | None = None
    cause: str = "unknown"
    last_seen: float = 0.0
    unheard_since: float | None = None
    without_mains: bool = False
    line_trouble: bool = False
    offline_since: float = 0.0
    connects: int = 0
    """Times that its agent said hello; two machines with one certificate push each other off for ever."""


class Roll:
    """All centres that were ever heard of."""

    def __init__(self, lost_after_seconds: float) -> None:
        self._lost_after = lost_after_seconds
        self.centres: dict[str, Presence] = {}

    def broker_back(self, now: float) -> None:
        """The broker was away: what it said before counts for nothing until it is said again."""
        for one in self.centres.values():
            one.unheard_since = now
            if one.online:
                one.online = None

    def heard(self, centre: str, now: float) -> None:
        """Anything arrived."""
        one = self.centres.setdefault(centre, Presence())
        one.last_seen, one.unheard_since = now, None
        if one.online is None:
            one.online = True

    def state(self, centre: str, name: str, state: dict[str, Any], *, retained: bool, now: float) -> bool:
        """A state message; True when online changed."""
        one = self.centres.setdefault(centre, Presence())
        before = one.online
        if not retained:
            one.last_seen = now
        one.last_seen = max(one.last_seen, min(now, float(state["ts"]) / 1000))
        if name == "power":
            one.without_mains = _without_mains(state)
        elif name == "internet":
            lines = state.get("uplinks")
            one.line_trouble = isinstance(lines, dict) and any(
                isinstance(line, dict) and line.get("fault") in ("access", "isp") for line in lines.values()
            )
        elif name == "online":
            one.online, one.unheard_since = state.get("online") is True, None
            if before is not False:
                one.offline_since = now
            one.connects += one.online and not retained
            one.cause = _cause(one) if state.get("cause") != "clean" or one.without_mains else "clean"
        return one.online != before

    def settle(self, now: float) -> None:
        """Centres that did not come back after the broker did are offline."""
        for one in self.centres.values():
            if one.unheard_since is not None and one.online is None and now - one.unheard_since > self._lost_after:
                one.online, one.cause, one.unheard_since = False, _cause(one), None
                one.offline_since = now


def _without_mains(state: dict[str, Any]) -> bool:
    statuses = [card.get("status") for card in _devices(state, "ups") if card.get("status") is not None]
    if statuses:
        return "on_battery" in statuses
    return any(witness.get("up") is False for witness in _devices(state, "mains"))


def _devices(state: dict[str, Any], key: str) -> list[dict[str, Any]]:
    devices = state.get(key)
    return [one for one in devices.values() if isinstance(one, dict)] if isinstance(devices, dict) else []


def _cause(one: Presence) -> str:
    return "power" if one.without_mains else "internet" if one.line_trouble else "unknown"
