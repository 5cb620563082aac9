"""What an entry of the catalogue is."""

from typing import Literal

from msgspec import Struct

Kind = Literal["gauge", "counter"]
Owner = Literal["host", "internet", "ups", "mains", "seats", "agent", "ingest", "enrol"]

SECOND, MINUTE, HOUR, DAY = 1.0, 60.0, 3600.0, 86400.0


class Metric(Struct, frozen=True):
    """One entry.

    scale: decimal places kept on the wire (value = integer / 10**scale).
    states: label -> its closed list of values. max_age_seconds: older than this, a value is absent.
    urgent: also published at once on change, in the retained state lane.
    """

    name: str
    owner: Owner
    help: str
    labels: tuple[str, ...] = ()
    scale: int = 0
    kind: Kind = "gauge"
    states: dict[str, tuple[str, ...]] = {}
    max_age_seconds: float = 300.0
    urgent: bool = False

    def __hash__(self) -> int:
        return hash(self.name)
