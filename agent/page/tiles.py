"""What the page says: one verdict and four tiles. Pure: readings and problems in, words out.

Order of the verdict: what stops work first. Unknown is never green, and an old value is shown as
old. Words, shapes and colours say the same thing.
"""

from typing import Literal

from msgspec import Struct

from agent.snapshot import Snapshot
from telemetry import catalogue as names
from telemetry.metric import Metric, Owner
from telemetry.reading import Reading

Level = Literal["good", "warning", "bad", "unknown"]
_LATE_SECONDS = 90.0
_SHORT_RUNTIME_SECONDS = 600.0
_FAULT_WORDS = {
    "lan": ("The centre's own network is down", "Check the switch and the cable to the gateway."),
    "access": ("The line to the provider is down", "Check the modem's lights, then call the provider."),
    "isp": ("The provider's network is down", "Nothing to repair here. Call the provider."),
    "dns": ("Names are not resolved", "Restart the modem; if it stays, call the provider."),
    "target": ("One site far away is down", "The line works. Nothing to do here."),
    "captive": ("The provider shows a sign-in or payment page", "Check the provider's bill."),
}


class Tile(Struct, frozen=True):
    """word: the state in a word or two. details: further lines. age_seconds: None if nothing was ever read."""

    title: str
    level: Level
    word: str
    details: tuple[str, ...] = ()
    age_seconds: float | None = None
    stale: bool = False


class Verdict(Struct, frozen=True):
    """sentence: what is. action: what to do first; empty when there is nothing to do."""

    level: Level
    sentence: str
    action: str = ""


class View(Struct, frozen=True):
    """All that the page shows."""

    verdict: Verdict
    tiles: tuple[Tile, ...]


def view(snapshot: Snapshot, problems: list[str]) -> View:
    """The View of this moment."""
    tiles = (internet(snapshot), power(snapshot), seats(snapshot), monitoring(snapshot, problems))
    return View(verdict(snapshot, tiles), tiles)


# ── verdict ────────────────────────────────────────────────────────────────────────────────────
def verdict(snapshot: Snapshot, tiles: tuple[Tile, ...]) -> Verdict:
    """The worst thing first: power, then internet, then what nobody knows, then monitoring."""
    net, pwr, _, mon = tiles
    if pwr.level in ("bad", "warning"):
        return Verdict(pwr.level, _power_sentence(snapshot, pwr), _power_action(snapshot, pwr))
    domain = _fault(snapshot)
    if net.level in ("bad", "warning"):
        sentence, action = _FAULT_WORDS.get(domain, ("The internet is down", "Check the modem."))
        return Verdict(net.level, sentence + ".", action)
    for tile in (pwr, net):
        if tile.level == "unknown" and tile.word != "Not configured":
            return Verdict("unknown", f"{tile.title} is unknown.", _UNKNOWN_ACTION[tile.title])
    if mon.level == "bad":
        return Verdict("warning", "The centre works, the monitoring does not.", mon.details[0] if mon.details else "")
    watched = [tile.title for tile in (pwr, net) if tile.word != "Not configured"]
    if not watched:
        return Verdict("unknown", "Neither internet nor power is monitored here.", "Configure a UPS and an uplink.")
    free = _seats_of(snapshot, "free")
    seat = f" {free:.0f} seats are free." if free is not None and tiles[2].level == "good" else ""
    return Verdict("good", f"{' and '.join(watched)} {'are' if len(watched) > 1 else 'is'} good.{seat}")


_UNKNOWN_ACTION = {
    "Power": "Check that the UPS card, or the device that shows the mains, is connected and powered.",
    "Internet": "Wait a minute; if it stays, check the gateway's cable.",
}


def _power_sentence(snapshot: Snapshot, tile: Tile) -> str:
    seconds = _max(snapshot, names.UPS_ON_BATTERY_SECONDS)
    runtime = _min(snapshot, names.UPS_RUNTIME)
    if tile.word == _MAINS_OFF:
        return "Mains power is off, how long the power lasts is unknown."
    if not _on_battery(snapshot):
        return f"Power: {tile.word.lower()}."
    since = f" for {duration(seconds)}" if seconds and seconds >= 60 else ""
    left = f", the UPS has {duration(runtime)} left" if runtime is not None else ", how long the UPS lasts is unknown"
    return f"Mains power is off{since}{left}."


def _power_action(snapshot: Snapshot, tile: Tile) -> str:
    if tile.word != _MAINS_OFF and not _on_battery(snapshot):
        return "Look at the UPS display and call the service number on it."
    if _runs_short(snapshot):
        return "Save work now and start the generator."
    return "Check the breaker; if neighbours are dark too, wait. Switch off what is not needed."


# ── tiles ──────────────────────────────────────────────────────────────────────────────────────
def power(snapshot: Snapshot) -> Tile:
    """UPS and mains; what is inferred of mains is told beside a UPS, and stands for itself where there is none."""
    known = _last_of(snapshot, "ups")
    witnesses = _witnesses(snapshot)
    if not known:
        return _mains(snapshot, witnesses)
    down = {one.series.labels[0] for one in snapshot.of(names.UPS_UP) if one.value == 0}
    live = [one for one in snapshot.of(names.UPS_STATUS) if one.value and one.series.labels[0] not in down]
    status = {one.series.labels[1] for one in live}
    age, stale = _age(snapshot, [one for one in known if one.metric is names.UPS_STATUS])
    silent = sorted({one.series.labels[0] for one in known} - {one.series.labels[0] for one in live})
    if not status or ((stale or silent) and "on_battery" not in status):
        details = (_silent(silent), *_mains_details(witnesses))
        return Tile("Power", "unknown", "Unknown", details, age, stale=True)
    level, word = _power_word(snapshot, status)
    return Tile("Power", level, word, _power_details(snapshot) + _mains_details(witnesses), age)


_MAINS_OFF = "Mains off"


def _mains(snapshot: Snapshot, witnesses: dict[str, bool | None]) -> Tile:
    """Without a UPS to ask: whether mains is there, and nothing about what carries the load when it is not."""
    if not witnesses:
        return Tile("Power", "unknown", "Not configured")
    age, _ = _age(snapshot, _last_of(snapshot, "mains"))
    details = ("No UPS is read", *_mains_details(witnesses))
    if False in witnesses.values():
        return Tile("Power", "warning", _MAINS_OFF, details, age)
    if True in witnesses.values():
        return Tile("Power", "good", "Mains on", details, age)
    return Tile("Power", "unknown", "Unknown", details, age, stale=True)


def _witnesses(snapshot: Snapshot) -> dict[str, bool | None]:
    """Each device that mains is inferred from: there, gone, or not known."""
    collectors = [one.series.labels for one in snapshot.of(names.AGENT_COLLECTOR_UP)]
    known = {one.series.labels[0] for one in _last_of(snapshot, "mains")}
    known |= {instance for collector, instance in collectors if collector == "mains"}
    live = {one.series.labels[0]: one.value == 1 for one in snapshot.of(names.MAINS_UP)}
    return {source: live.get(source) for source in sorted(known)}


def _mains_details(witnesses: dict[str, bool | None]) -> tuple[str, ...]:
    words = {True: "mains on", False: "mains off", None: "mains unknown"}
    return tuple(f"{source}: {words[there]}" for source, there in witnesses.items())


def _power_word(snapshot: Snapshot, status: set[str]) -> tuple[Level, str]:
    """The first of these that holds; what stops work comes first."""
    odd = status & {"standby", "test", "other"}
    words: list[tuple[bool, Level, str]] = [
        ("on_battery" in status and _runs_short(snapshot), "bad", "On battery"),
        ("on_battery" in status, "warning", "On battery"),
        ("off" in status, "bad", "UPS off"),
        (bool(_max(snapshot, names.UPS_OVERLOAD)), "bad", "Overload"),
        ("bypass" in status, "warning", "Bypass: not protected"),
        (bool(_max(snapshot, names.UPS_BATTERY_REPLACE)), "warning", "Battery needs replacing"),
        (bool(_max(snapshot, names.UPS_REPLACE_SOON)), "warning", "Battery is wearing out"),
        (bool(odd), "warning", f"UPS {min(odd, default='')}"),
    ]
    return next(((level, word) for holds, level, word in words if holds), ("good", "Mains on"))


def _runs_short(snapshot: Snapshot) -> bool:
    runtime = _min(snapshot, names.UPS_RUNTIME)
    return bool(_max(snapshot, names.UPS_BATTERY_LOW)) or (runtime is not None and runtime < _SHORT_RUNTIME_SECONDS)


def _power_details(snapshot: Snapshot) -> tuple[str, ...]:
    charge, runtime = _min(snapshot, names.UPS_CHARGE), _min(snapshot, names.UPS_RUNTIME)
    load, volts = _max(snapshot, names.UPS_OUTPUT_LOAD), _min(snapshot, names.UPS_INPUT_VOLTAGE)
    measured, capacity = _min(snapshot, names.UPS_MEASURED_RUNTIME), _min(snapshot, names.UPS_CAPACITY)
    return tuple(
        text
        for text, value in (
            (f"Battery {(charge or 0):.0%}", charge),
            (f"Would last {duration(runtime or 0)}", runtime),
            (f"By past mains cuts {duration(measured or 0)} from full", measured),
            (f"Battery gives {(capacity or 0):.0%} of its best", capacity),
            (f"Load {(load or 0):.0%}", load),
            (f"Mains {(volts or 0):.0f} V", volts),
        )
        if value is not None
    )


def internet(snapshot: Snapshot) -> Tile:
    """The line, by its probes."""
    known = _last_of(snapshot, "internet")
    if not known:
        return Tile("Internet", "unknown", "Not configured")
    age, stale = _age(snapshot, [one for one in known if one.metric is names.NET_UP])
    ups = snapshot.of(names.NET_UP)
    if not ups or stale:
        return Tile("Internet", "unknown", "Unknown", (), age, stale=True)
    domain = _fault(snapshot)
    details = _internet_details(snapshot)
    if max(one.value for one in ups) == 0:
        return Tile("Internet", "bad", "Down", details, age)
    if domain in ("none", "target", ""):
        return Tile("Internet", "good", "Up", details, age)
    return Tile("Internet", "warning", "Trouble", details, age)


def _internet_details(snapshot: Snapshot) -> tuple[str, ...]:
    rtt = [one.value for one in snapshot.of(names.NET_PROBE_RTT) if one.series.labels[2] == "p50"]
    lines = [f"Round trip {max(rtt) * 1000:.0f} ms"] if rtt else []
    for direction in ("down", "up"):
        rates = [one for one in snapshot.of(names.NET_THROUGHPUT) if one.series.labels[1:] == (direction, "line")]
        if rates:
            best = max(rates, key=lambda one: one.value)
            ago = duration(snapshot.age_seconds(best))
            lines.append(f"{direction.capitalize()} {best.value * 8 / 1e6:.1f} Mbit/s, {ago} ago")
    return tuple(lines)


def seats(snapshot: Snapshot) -> Tile:
    """Free, occupied, unknown."""
    known = _last_of(snapshot, "seats")
    if not known:
        return Tile("Seats", "unknown", "Not configured")
    age, stale = _age(snapshot, [one for one in known if one.metric is names.SEATS])
    counts = {state: _seats_of(snapshot, state) for state in ("free", "occupied", "unknown")}
    if stale or any(count is None for count in counts.values()):
        return Tile("Seats", "unknown", "Unknown", (), age, stale=True)
    free, occupied, unknown = (int(counts[state] or 0) for state in ("free", "occupied", "unknown"))
    details = (f"{occupied} occupied", *((f"{unknown} unknown",) if unknown else ()))
    if free + occupied == 0:
        return Tile("Seats", "unknown", "Unknown", details, age)
    return Tile("Seats", "good" if free else "warning", f"{free} free" if free else "Full", details, age)


def monitoring(snapshot: Snapshot, problems: list[str]) -> Tile:
    """The agent, its disk and its uplink."""
    age, stale = _age(snapshot, [one for one in snapshot.last() if one.metric is names.AGENT_OUTBOX_ROWS])
    rows = _max(snapshot, names.AGENT_OUTBOX_ROWS)
    oldest = _max(snapshot, names.AGENT_OUTBOX_OLDEST)
    waiting = (f"{rows:.0f} batches wait, oldest {duration(oldest or 0)}",) if rows is not None else ()
    if problems:
        return Tile("Monitoring", "bad", "Trouble", (*problems[:3], *waiting), age, stale)
    if rows is None or stale:
        return Tile("Monitoring", "unknown", "Starting", (), age, stale=True)
    connected = _max(snapshot, names.AGENT_UPLINK_CONNECTED)
    if connected is None:
        return Tile("Monitoring", "good", "Local only", ("No national monitor is configured",), age)
    return Tile("Monitoring", "good", "Reporting", waiting, age)


# ── helpers ────────────────────────────────────────────────────────────────────────────────────
def duration(seconds: float) -> str:
    """In words that a glance takes in: 40 s, 12 min, 3 h 5 min, 2 d."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 172_800:
        return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"
    return f"{seconds / 86400:.0f} d"


def _silent(cards: list[str]) -> str:
    return f"{', '.join(cards)} does not answer" if cards else "No fresh value"


def _on_battery(snapshot: Snapshot) -> bool:
    return any(one.series.labels[1] == "on_battery" and one.value for one in snapshot.of(names.UPS_STATUS))


def _fault(snapshot: Snapshot) -> str:
    return next((one.series.labels[1] for one in snapshot.of(names.NET_FAULT) if one.value), "")


def _seats_of(snapshot: Snapshot, state: str) -> float | None:
    counts = [one.value for one in snapshot.of(names.SEATS) if one.series.labels[2] == state]
    return sum(counts) if counts else None


def _last_of(snapshot: Snapshot, owner: Owner) -> list[Reading]:
    return [one for one in snapshot.last() if one.metric.owner == owner]


def _age(snapshot: Snapshot, readings: list[Reading]) -> tuple[float | None, bool]:
    if not readings:
        return None, True
    newest = max(readings, key=lambda one: one.at)
    age = snapshot.age_seconds(newest)
    return age, newest not in snapshot.live() and age > _LATE_SECONDS


def _max(snapshot: Snapshot, metric: Metric) -> float | None:
    return max((one.value for one in snapshot.of(metric)), default=None)


def _min(snapshot: Snapshot, metric: Metric) -> float | None:
    return min((one.value for one in snapshot.of(metric)), default=None)
