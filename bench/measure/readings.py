"""150 series as one centre has them, every 30 s: the simulated day, with the noise that real sensors and lines have.

By lane, as the daemon hands them to the outbox: a collector each, and the agent's own. The noise is seeded: the same
moment gives the same readings.
"""

import random
from datetime import UTC, datetime

from central.simulate.centre import Centre, tick
from telemetry import catalogue as names
from telemetry.metric import Metric
from telemetry.reading import Reading, Series
from telemetry.wire import scaled

SERIES = 150
INTERVAL = 30.0
LANES = {
    "host": "host/gateway",
    "internet": "internet/wan",
    "ups": "ups/rack",
    "mains": "ups/rack",
    "seats": "seats/map",
    "agent": "agent/self",
}
_LEFT_OUT = ("startups", "startup_office")
_NOISE: dict[Metric, tuple[float, float]] = {
    names.HOST_CPU: (0.3, 0.0),
    names.HOST_MEMORY_AVAILABLE: (0.004, 0.0),
    names.HOST_TEMPERATURE: (0.0, 0.4),
    names.HOST_CLOCK_OFFSET: (0.0, 2e-4),
    names.NET_PROBE_RTT: (0.06, 0.0),
    names.NET_PROBE_JITTER: (0.3, 0.0),
    names.NET_DNS: (0.2, 0.0),
    names.NET_LATENCY_IDLE: (0.05, 0.0),
    names.NET_WAN_BYTES: (0.0, 2e6),
    names.UPS_BATTERY_CURRENT: (0.0, 0.05),
    names.UPS_BATTERY_TEMPERATURE: (0.0, 0.1),
    names.UPS_INPUT_VOLTAGE: (0.0, 0.8),
    names.UPS_INPUT_FREQUENCY: (0.0, 0.03),
    names.UPS_OUTPUT_VOLTAGE: (0.0, 0.4),
    names.UPS_OUTPUT_LOAD: (0.03, 0.0),
    names.UPS_OUTPUT_POWER: (0.02, 0.0),
    names.SEAT_EVIDENCE_AGE: (0.4, 0.0),
    names.AGENT_COLLECTOR_DURATION: (0.2, 0.0),
    names.AGENT_OUTBOX_BYTES: (0.2, 0.0),
    names.AGENT_OUTBOX_OLDEST: (0.2, 0.0),
}
"""Standard deviation: a part of the value, and in the metric's unit."""


def readings(centre: Centre, at: float, since_start: float) -> dict[str, list[Reading]]:
    """The readings of a moment by lane; `since_start` drives the counters."""
    dice = random.Random(f"{centre.id}/{at}")
    values = tick(centre, at, frozenset(), since_start)
    kept = [one for one in values if not set(_LEFT_OUT) & set(one.labels)][:SERIES]
    when = datetime.fromtimestamp(at, UTC)
    found: dict[str, list[Reading]] = {}
    for one in kept:
        found.setdefault(LANES[one.metric.owner], []).append(Reading(one, _noisy(one, values[one], dice), when))
    return found


def _noisy(one: Series, value: float, dice: random.Random) -> float:
    part, unit = _NOISE.get(one.metric, (0.0, 0.0))
    return value + dice.gauss(0, 1) * (part * abs(value) + unit) if part or unit else value


def changing(centre: Centre, at: float, ticks: int = 20) -> float:
    """How many of the series have another value on the wire than a tick ago, on average."""
    rows = []
    for number in range(ticks + 1):
        now = readings(centre, at + number * INTERVAL, 3600 + number * INTERVAL)
        rows.append({one.series: scaled(one.value, one.metric.scale) for lane in now.values() for one in lane})
    return sum(rows[k][one] != rows[k + 1][one] for k in range(ticks) for one in rows[k]) / ticks
