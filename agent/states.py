"""The present in a few small messages: power, internet, seats, gateway. Pure: snapshot in, States out.

A state is retained at the broker and sent at once when something that matters changed; the full
history travels apart. Values are quantised as in the history, so that both say the same.
"""

from typing import Any

from msgspec import Struct

from agent.snapshot import Snapshot
from telemetry import catalogue as names
from telemetry.metric import Metric, Owner
from telemetry.reading import Reading
from telemetry.wire import epoch_ms, scaled, unscaled

Fields = dict[str, Any]
_STEPS = {"runtime_seconds": 60.0, "charge_ratio": 0.02}
"""Numbers that drift: only a change of this much is news."""


class State(Struct, frozen=True):
    """ts: epoch ms of the reading behind it. fields: named values, units in the names."""

    ts: int
    fields: Fields


def states(snapshot: Snapshot) -> dict[str, State]:
    """What there is to tell; a state without a live reading is not told."""
    live = snapshot.live()
    found = {
        "power": _state(_power(live), live, "ups", "mains"),
        "internet": _state(_internet(live), live, "internet"),
        "seats": _state(_seats(live), live, "seats"),
    }
    return {name: state for name, state in found.items() if state is not None}


def changed_enough(before: State | None, after: State) -> bool:
    """Whether `after` is news to somebody who knows `before`."""
    return before is None or _differs(before.fields, after.fields, "")


def shifted(state: State, ms: int) -> State:
    """The same, stamped by a clock that is `ms` ahead of the one that stamped it."""
    return State(state.ts + ms, _shifted(state.fields, ms)) if ms else state


def _shifted(fields: Any, ms: int) -> Any:
    if not isinstance(fields, dict):
        return fields
    return {key: value + ms if key == "ts" else _shifted(value, ms) for key, value in fields.items()}


def _differs(before: Any, after: Any, name: str) -> bool:
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() != after.keys() or any(
            _differs(before[key], after[key], key) for key in after if key != "ts"
        )
    step = _STEPS.get(name)
    if step is not None and isinstance(before, float) and isinstance(after, float):
        return abs(before - after) >= step or (after == 0) != (before == 0)
    return bool(before != after)


def _state(fields: Fields, live: list[Reading], *owners: Owner) -> State | None:
    times = [epoch_ms(one.at) for one in live if one.metric.owner in owners and one.metric.urgent]
    return State(max(times), fields) if fields and times else None


def _power(live: list[Reading]) -> Fields:
    cards = {one.series.labels[0]: _card(live, one.series.labels[0]) for one in live if one.metric is names.UPS_UP}
    mains = {
        one.series.labels[0]: {"ts": epoch_ms(one.at), "up": one.value == 1}
        for one in live
        if one.metric is names.MAINS_UP
    }
    return ({"ups": cards} if cards else {}) | ({"mains": mains} if mains else {})


def _card(live: list[Reading], ups: str) -> Fields:
    mine = [one for one in live if one.metric.owner == "ups" and one.series.labels[0] == ups]
    card: Fields = {
        "ts": max(epoch_ms(one.at) for one in mine if one.metric.urgent),
        "up": _value(mine, names.UPS_UP) == 1,
    }
    if not card["up"]:
        return card
    card["status"] = next((one.series.labels[1] for one in mine if one.metric is names.UPS_STATUS and one.value), None)
    card["charge_ratio"] = _value(mine, names.UPS_CHARGE)
    card["runtime_seconds"] = _value(mine, names.UPS_RUNTIME)
    low, overload = _value(mine, names.UPS_BATTERY_LOW), _value(mine, names.UPS_OVERLOAD)
    card["battery_low"] = None if low is None else bool(low)
    card["overload"] = None if overload is None else bool(overload)
    return card


def _internet(live: list[Reading]) -> Fields:
    uplinks: Fields = {}
    for one in live:
        if one.metric is names.NET_UP:
            line = uplinks.setdefault(one.series.labels[0], {})
            line |= {"ts": epoch_ms(one.at), "up": one.value == 1}
        if one.metric is names.NET_FAULT and one.value:
            uplinks.setdefault(one.series.labels[0], {})["fault"] = one.series.labels[1]
    return {"uplinks": uplinks} if uplinks else {}


def _seats(live: list[Reading]) -> Fields:
    spaces: Fields = {}
    for one in live:
        if one.metric is names.SEATS:
            space, kind, state = one.series.labels
            spaces.setdefault(space, {"kind": kind})[state] = int(one.value)
    return {"spaces": spaces} if spaces else {}


def _value(readings: list[Reading], metric: Metric) -> float | None:
    found = next((one.value for one in readings if one.metric is metric), None)
    return None if found is None else unscaled(scaled(found, metric.scale), metric.scale)
