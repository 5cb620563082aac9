"""A centre's present for the page: readings of a given age under a clock that the test moves."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from agent.snapshot import Snapshot
from telemetry import catalogue as names
from telemetry.metric import Metric
from telemetry.reading import reading, state_readings

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


class Present:
    """A snapshot; every method puts readings of now."""

    def __init__(self) -> None:
        self.now = START
        self.snapshot = Snapshot(lambda: self.now)

    def later(self, seconds: float) -> "Present":
        self.now += timedelta(seconds=seconds)
        return self

    def put(self, metric: Metric, value: float, **labels: str) -> "Present":
        self.snapshot.put(metric.owner, [reading(metric, value, self.now, **labels)])
        return self

    def ups(self, status: str = "online", /, ups: str = "rack", **values: float) -> "Present":
        """A card that answers; values by the end of the metric's name."""
        self.put(names.UPS_UP, 1, ups=ups)
        self.snapshot.put("ups", state_readings(names.UPS_STATUS, "status", status, self.now, ups=ups))
        metrics = {
            "runtime": names.UPS_RUNTIME, "seconds": names.UPS_ON_BATTERY_SECONDS, "low": names.UPS_BATTERY_LOW,
            "replace": names.UPS_BATTERY_REPLACE, "overload": names.UPS_OVERLOAD, "charge": names.UPS_CHARGE,
        }  # fmt: skip
        for name, value in values.items():
            self.put(metrics[name], value, ups=ups)
        return self

    def mains(self, up: float | None, source: str = "printer") -> "Present":
        """A device that mains is inferred from; None: its collector runs, and knows nothing."""
        self.put(names.AGENT_COLLECTOR_UP, float(up is not None), collector="mains", instance=source)
        return self if up is None else self.put(names.MAINS_UP, up, source=source)

    def line(self, up: float | None = 1, domain: str | None = "none", uplink: str = "wan") -> "Present":
        if up is not None:
            self.put(names.NET_UP, up, uplink=uplink)
        if domain is not None:
            self.snapshot.put("internet", state_readings(names.NET_FAULT, "domain", domain, self.now, uplink=uplink))
        return self

    def seats(self, free: int, occupied: int, unknown: int, space: str = "lab-1") -> "Present":
        for state, count in (("free", free), ("occupied", occupied), ("unknown", unknown)):
            self.put(names.SEATS, count, space=space, kind="training_room", state=state)
        return self

    def step(self, what: str, how: str) -> "Present":
        """One of the above by its name; `how` is its argument as a word."""
        acts: dict[str, Callable[[str], Present]] = {
            "ups": self.ups,
            "silent": lambda ups: self.put(names.UPS_UP, 0, ups=ups),
            "line": lambda up: self.line(float(up), "none" if up == "1" else "access"),
            "seats": self.seats_in_words,
            "agent": lambda rows: self.agent(int(rows)),
            "later": lambda seconds: self.later(float(seconds)),
        }
        return acts[what](how)

    def seats_in_words(self, counts: str) -> "Present":
        free, occupied, unknown = map(int, counts.split())
        return self.seats(free, occupied, unknown)

    def agent(self, rows: int = 1, oldest: float = 10, connected: float | None = 1) -> "Present":
        self.put(names.AGENT_OUTBOX_ROWS, rows).put(names.AGENT_OUTBOX_OLDEST, oldest)
        return self if connected is None else self.put(names.AGENT_UPLINK_CONNECTED, connected)

    def well(self) -> "Present":
        """All four tiles are good."""
        return self.ups(runtime=2280, charge=1).line().seats(7, 4, 1).agent()
