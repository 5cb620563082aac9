"""One collection of a mains collector."""

from collectors.mains import Mains
from telemetry import catalogue as names
from telemetry.errors import CollectError
from telemetry.event import Event

Taken = tuple[float | None, list[Event], CollectError | None]
"""centre_mains_up or None where it is absent, events, what was raised."""


async def taken(collector: Mains) -> Taken:
    up: float | None = None
    events: list[Event] = []
    try:
        async for one in collector.collect():
            if isinstance(one, Event):
                events.append(one)
            else:
                assert one.metric is names.MAINS_UP
                up = one.value
    except CollectError as problem:
        return up, events, problem
    return up, events, None
