"""One simulated centre: a day in the life of its readings. Pure: seed, time and faults in, a tick out.

Every metric that an agent can publish appears. Values wander by sines with the centre's own phase;
nothing depends on what was asked before, so that a replay is the same.
"""

import hashlib
import math
import random
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from telemetry import catalogue as names
from telemetry.metric import Metric
from telemetry.reading import Series, series

PROVINCES = (
    ("PB", "Punjab"),
    ("SD", "Sindh"),
    ("KP", "Khyber Pakhtunkhwa"),
    ("BA", "Balochistan"),
    ("IS", "Islamabad"),
)
DISTRICTS = {
    "PB": ("Lahore", "Multan", "Faisalabad", "Sialkot"), "SD": ("Karachi", "Hyderabad", "Sukkur"),
    "KP": ("Peshawar", "Abbottabad", "Swat"), "BA": ("Quetta", "Gwadar"), "IS": ("Islamabad",),
}  # fmt: skip
ISPS = ("PTCL", "Nayatel", "StormFiber", "Transworld")
PLANS_MBPS = ((8, 1), (20, 5), (50, 10), (100, 25))
SPACES = (
    ("lab-1", "training_room", 20),
    ("cabins", "cabin", 6),
    ("meeting", "meeting_room", 8),
    ("startups", "startup_office", 12),
)
FAULTS = (
    "mains_cut", "offline", "internet_down", "slow_line", "ups_silent", "replace_battery", "battery_worn", "overload",
    "seats_unknown", "disk_full",
)  # fmt: skip


class Fault(Struct, frozen=True, forbid_unknown_fields=True):
    """What goes wrong where and when. `centre` is an id or "*"; share takes that part of the matching centres."""

    kind: str
    centre: str = "*"
    share: float = 1.0
    start_seconds: float = 0.0
    duration_seconds: float = 1e9


class Centre(Struct, frozen=True):
    """Who the centre is; all of it follows from its number and the seed."""

    id: str
    name: str
    province: str
    district: str
    isp: str
    feeder: str
    plan_mbps: tuple[int, int]
    phase: float


def make_centre(number: int, seed: int) -> Centre:
    """Centre `number` (1...) of a fleet."""
    chance = random.Random(f"{seed}/{number}")
    code, province = PROVINCES[chance.randrange(len(PROVINCES))]
    district = chance.choice(DISTRICTS[code])
    return Centre(
        id=f"PK-{code}-{number:05}",
        name=f"Simulated {district} {number}",
        province=province,
        district=district,
        isp=chance.choice(ISPS),
        feeder=f"{district[:3].upper()}-{chance.randrange(1, 9)}",
        plan_mbps=chance.choice(PLANS_MBPS),
        phase=chance.uniform(0, 2 * math.pi),
    )


def active(faults: Sequence[Fault], centre: Centre, elapsed: float) -> frozenset[str]:
    """The kinds of fault that this centre has `elapsed` seconds into the simulation."""
    return frozenset(
        fault.kind
        for fault in faults
        if fault.centre in ("*", centre.id)
        and fault.start_seconds <= elapsed < fault.start_seconds + fault.duration_seconds
        and _lot(centre.id, fault.kind) < fault.share
    )


def _lot(centre: str, kind: str) -> float:
    return int.from_bytes(hashlib.sha256(f"{centre}/{kind}".encode()).digest()[:4], "big") / 2**32


Values = dict[Series, float]


class Put(Protocol):
    """Adds one value to a tick."""

    def __call__(self, metric: Metric, value: float, **labels: str) -> None:
        """The value of the series with these labels."""


def tick(centre: Centre, at: float, faults: frozenset[str], since_start: float) -> Values:
    """Every reading of the centre at Unix time `at`; `since_start` drives the counters."""
    found: Values = {}

    def put(metric: Metric, value: float, **labels: str) -> None:
        found[series(metric, labels)] = value

    wave = math.sin(at / 3600 * 2 * math.pi + centre.phase)
    _host(put, wave, at, since_start, faults)
    _internet(put, centre, wave, since_start, faults)
    _ups(put, wave, since_start, faults)
    put(names.MAINS_UP, float("mains_cut" not in faults), source="printer")
    _seats(put, wave, since_start, faults)
    _agent(put, at, faults)
    return found


def _state(put: Put, metric: Metric, label: str, state: str, **labels: str) -> None:
    for one in metric.states[label]:
        put(metric, float(one == state), **labels, **{label: one})


def _host(put: Put, wave: float, at: float, since_start: float, faults: frozenset[str]) -> None:
    put(names.HOST_CPU, 0.08 + 0.04 * wave)
    put(names.HOST_MEMORY_TOTAL, 4e9)
    put(names.HOST_MEMORY_AVAILABLE, 2.6e9 + 2e8 * wave)
    put(names.HOST_FILESYSTEM_FREE, 0.02 if "disk_full" in faults else 0.6, mount="/")
    put(names.HOST_TEMPERATURE, 48 + 6 * wave, sensor="cpu")
    put(names.HOST_BOOT, at - since_start - 86_400)
    put(names.HOST_CLOCK_SYNCHRONISED, 1)
    put(names.HOST_CLOCK_OFFSET, 0.0004 * wave)


_TARGETS = (("gateway", 0.0008), ("access", 0.009), ("national", 0.024), ("international", 0.105))


def _internet(put: Put, centre: Centre, wave: float, since_start: float, faults: frozenset[str]) -> None:
    down = "internet_down" in faults
    put(names.NET_UP, float(not down), uplink="wan")
    _state(put, names.NET_FAULT, "domain", "access" if down else "none", uplink="wan")
    put(names.NET_BURSTY, 0, uplink="wan")
    _state(put, names.NET_THROUGHPUT_CLASS, "class", "quick", uplink="wan")
    speed = 0.3 if "slow_line" in faults else 0.93 + 0.04 * wave
    for way, mbps in zip(("down", "up"), centre.plan_mbps, strict=True):
        put(names.NET_CONTRACT, mbps * 125_000, uplink="wan", direction=way)
        put(names.NET_CAPPED, 0, uplink="wan", direction=way)
        for kind, part in (("line", 1.0), ("own", 0.9)):
            put(names.NET_THROUGHPUT, mbps * 125_000 * speed * part, uplink="wan", direction=way, kind=kind)
        put(names.NET_TEST_MET, float(speed >= 0.8), uplink="wan", direction=way, limit="contract")
        put(
            names.NET_TEST_MET,
            float(mbps * speed >= (4 if way == "down" else 2)),
            uplink="wan",
            direction=way,
            limit="minimum",
        )
        put(names.NET_WAN_PEAK, mbps * 125_000 * 0.6 * speed, uplink="wan", direction=way)
        put(names.NET_LATENCY_LOADED, 0.09 + 0.02 * wave, uplink="wan", direction=way)
        put(names.NET_WAN_BYTES, since_start * mbps * 30_000, uplink="wan", direction=way)
        for purpose, rate in (("throughput", 20), ("probe", 8)):
            put(names.NET_TEST_BYTES, since_start * rate, uplink="wan", direction=way, purpose=purpose)
    put(names.NET_THROUGHPUT_LAST, _EPOCH + since_start // 3600 * 3600, uplink="wan")
    put(names.NET_TESTS, since_start // 21_600, uplink="wan", result="converged")
    put(names.NET_BUDGET, max(0.0, 1.5e9 - since_start * 40), uplink="wan")
    put(names.NET_LATENCY_IDLE, 0.022 + 0.003 * wave, uplink="wan")
    put(names.NET_DNS, 0.012 + 0.002 * wave, uplink="wan", resolver="resolver-1")
    for target, base in _TARGETS:
        sent = since_start / 5
        put(names.NET_PROBE_SENT, sent, uplink="wan", target=target)
        put(names.NET_PROBE_LOST, sent * 0.004, uplink="wan", target=target)
        if down and target != "gateway":
            continue
        put(names.NET_PROBE_JITTER, base * 0.1, uplink="wan", target=target)
        for stat, factor in (("p50", 1.0), ("p95", 1.4), ("max", 2.5)):
            put(names.NET_PROBE_RTT, base * factor * (1 + 0.05 * wave), uplink="wan", target=target, stat=stat)


def _ups(put: Put, wave: float, since_start: float, faults: frozenset[str]) -> None:
    silent, battery = "ups_silent" in faults, "mains_cut" in faults
    put(names.UPS_UP, float(not silent), ups="rack")
    if silent:
        return
    info = {"vendor": "Simulated", "model": "Simulated 3 kVA", "serial": "", "firmware": "1.0", "mib": "rfc1628"}
    put(names.UPS_INFO, 1, ups="rack", **info)
    _state(put, names.UPS_STATUS, "status", "on_battery" if battery else "online", ups="rack")
    put(names.UPS_CHARGE, 0.62 if battery else 1.0, ups="rack")
    put(names.UPS_RUNTIME, 480 if battery else 2280, ups="rack")
    put(names.UPS_BATTERY_VOLTAGE, 48.9 if battery else 54.6, ups="rack")
    put(names.UPS_BATTERY_CURRENT, -8.2 if battery else 0.1, ups="rack")
    put(names.UPS_BATTERY_TEMPERATURE, 31 + 2 * wave, ups="rack")
    put(names.UPS_BATTERY_LOW, 0, ups="rack")
    put(names.UPS_BATTERY_LOW_RULE, 0, ups="rack")
    put(names.UPS_BATTERY_REPLACE, float("replace_battery" in faults), ups="rack")
    worn = "battery_worn" in faults
    put(names.UPS_MEASURED_RUNTIME, 1500 if worn else 2280, ups="rack")
    put(names.UPS_CAPACITY, 0.66 if worn else 0.97, ups="rack")
    put(names.UPS_CAPACITY_TREND, -0.04 if worn else -0.005, ups="rack")
    put(names.UPS_REPLACE_SOON, float(worn), ups="rack")
    put(names.UPS_OVERLOAD, float("overload" in faults), ups="rack")
    put(names.UPS_ON_BATTERY_SECONDS, 120.0 if battery else 0.0, ups="rack")
    put(names.UPS_TRANSFERS, since_start // 28_800, ups="rack")
    put(names.UPS_INPUT_VOLTAGE, 0 if battery else 228 + 6 * wave, ups="rack", phase="1")
    if not battery:
        put(names.UPS_INPUT_FREQUENCY, 50 + 0.1 * wave, ups="rack")
    put(names.UPS_OUTPUT_VOLTAGE, 230, ups="rack", phase="1")
    put(names.UPS_OUTPUT_LOAD, 1.08 if "overload" in faults else 0.4 + 0.1 * wave, ups="rack", phase="1")
    put(names.UPS_OUTPUT_POWER, 1100 + 200 * wave, ups="rack")
    put(names.UPS_REJECTED, since_start // 3600, ups="rack", rule="sentinel")
    if battery:
        put(names.UPS_ALARM, 1, ups="rack", alarm="on_battery")


def _seats(put: Put, wave: float, since_start: float, faults: frozenset[str]) -> None:
    for space, kind, seats in SPACES:
        own = {"space": space, "kind": kind}
        unknown = seats if "seats_unknown" in faults else 1
        taken = round((seats - unknown) * (0.5 + 0.4 * wave))
        counts = {"occupied": taken, "free": seats - unknown - taken, "unknown": unknown}
        for state, count in counts.items():
            put(names.SEATS, count, **own, state=state)
            put(names.SEAT_STATE_SECONDS, since_start * seats / 3, **own, state=state)
        put(names.SEAT_VISITS, since_start // 900, **own)
        put(names.SEAT_EVIDENCE_AGE, 40, **own)
        put(names.SPACE_PEOPLE, taken, **own)
        put(names.SPACE_DEVICES, taken * 2, **own, medium="wifi")
        put(names.SEAT_CONFLICTS, since_start // 7200, kind=kind)
    for status in names.SENSOR_STATUSES:
        put(names.SEAT_SENSORS, 40 if status == "ok" else 1, source="mqtt", status=status)


def _agent(put: Put, at: float, faults: frozenset[str]) -> None:
    put(names.AGENT_BUILD, 1, version="0.1.0")
    for collector, instance in (("host", "gateway"), ("internet", "wan"), ("seats", "map"), ("ups", "rack")):
        failing = collector == "ups" and "ups_silent" in faults
        own = {"collector": collector, "instance": instance}
        put(names.AGENT_COLLECTOR_UP, float(not failing), **own)
        put(names.AGENT_COLLECTOR_LAST, at - (900 if failing else 5), **own)
        put(names.AGENT_COLLECTOR_DURATION, 0.12, **own)
        put(names.AGENT_COLLECTOR_ERRORS, 12.0 if failing else 0.0, **own, reason="timed_out")
    put(names.AGENT_OUTBOX_ROWS, 6)
    put(names.AGENT_OUTBOX_BYTES, 9000)
    put(names.AGENT_OUTBOX_OLDEST, 75)
    put(names.AGENT_OUTBOX_DROPPED, 0)
    put(names.AGENT_OUTBOX_LOST, 0, reason="full")
    put(names.AGENT_OUTBOX_UNDATED, 0)
    put(names.AGENT_OUTBOX_WRITABLE, float("disk_full" not in faults))
    put(names.AGENT_UPLINK_CONNECTED, 1)
    put(names.AGENT_CERTIFICATE_EXPIRY, at + 200 * 86_400)
    put(names.AGENT_UPLINK_REFUSED, 0, reason="broker")


_EPOCH = 1_760_000_000
