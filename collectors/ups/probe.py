"""`probe-ups`: one card, one JSON object, everything the agent would believe about it."""

from typing import Any

import msgspec

from collectors.snmp import Access, Session
from collectors.ups.poll import Card
from collectors.ups.state import UpsState
from telemetry.errors import NotRecognised

_HIDDEN = ("on_battery_seconds", "nominal_voltamperes", "communicating", "testing")


async def probe(access: Access) -> dict[str, Any]:
    """The object of interfaces.md; `recognised` is false for a device that is no known UPS.

    Raises TimedOut, AccessDenied or Unreachable.
    """
    async with Session(access) as session:
        try:
            state = await Card(session).state()
        except NotRecognised:
            return as_json(UpsState(), recognised=False)
        return as_json(state, recognised=state.status is not None or state.communicating is False)


def as_json(state: UpsState, *, recognised: bool) -> dict[str, Any]:
    """Absent is null or an empty list, never 0 or -1."""
    plain: dict[str, Any] = msgspec.to_builtins(state)
    for name in _HIDDEN:
        del plain[name]
    plain["mib"] = plain["mib"] or None
    return {"recognised": recognised, **plain}
