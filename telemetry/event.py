"""Event: a dated fact with a start, an end and its evidence.

Events ride in the same batches as readings and are kept by the same rules. An open event is sent
again under the same id once its end is known.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

EventKind = Literal["outage", "transfer", "restart", "internet_fault", "clock_step", "configuration", "readings_lost"]


class Event(Struct, frozen=True):
    """`id` is unique within a centre; `end` is None while it lasts; `evidence` holds plain facts.

    kind: outage (mains gone, at a UPS or as inferred from another device), transfer (a UPS changed its
    source), restart (the gateway or the agent started), internet_fault, clock_step, configuration,
    readings_lost (by the outbox).
    evidence: short machine words and numbers with their unit in the key; never a person.
    """

    kind: EventKind
    id: str
    start: datetime
    end: datetime | None = None
    evidence: dict[str, str | float | int | bool] = {}
