"""The urgent lane: state/power, state/internet, state/seats -> the same series as the history's.

Same names, labels, time and quantised value as the batch that follows, so that the store sees one
sample twice, never two.
"""

from collections.abc import Iterator
from typing import Any

from central.ingest import protobuf
from central.ingest.admit import series_labels
from telemetry import catalogue as names
from telemetry.errors import Rejected
from telemetry.metric import Metric
from telemetry.reading import series
from telemetry.wire import LABEL_VALUE, scaled, unscaled

_MAX_DEVICES = 32


def state_series(centre: str, name: str, state: dict[str, Any]) -> bytes:
    """The store's bytes of a state message; empty for a state that has no series. Raises Rejected."""
    source = {"power": _power, "internet": _internet, "seats": _seats}.get(name)
    if source is None:
        return b""
    try:
        found = [(protobuf.stamps([ts]), metric, labels, value) for ts, metric, labels, value in source(state)]
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise Rejected(f"state/{name}: {str(problem)[:120]}", reason="malformed") from problem
    return b"".join(
        protobuf.series(series_labels(metric.name, labels, centre), [_quantised(metric, value)], at)
        for at, metric, labels, value in found
    )


def _quantised(metric: Metric, value: float) -> float:
    return unscaled(scaled(value, metric.scale), metric.scale)


Found = tuple[int, Metric, dict[str, str], float]
"""Epoch ms, metric, labels, value."""


def _power(state: dict[str, Any]) -> Iterator[Found]:
    for ups, at, card in _devices(state, "ups"):
        own = {"ups": ups}
        yield _one(at, names.UPS_UP, own, card.get("up"))
        if card.get("status") is not None:
            yield from _set(at, names.UPS_STATUS, "status", card["status"], own)
        for key, metric in _CARD.items():
            if card.get(key) is not None:
                yield _one(at, metric, own, card[key])
    for source, at, witness in _devices(state, "mains"):
        yield _one(at, names.MAINS_UP, {"source": source}, witness.get("up"))


_CARD = {
    "charge_ratio": names.UPS_CHARGE,
    "runtime_seconds": names.UPS_RUNTIME,
    "battery_low": names.UPS_BATTERY_LOW,
    "overload": names.UPS_OVERLOAD,
}


def _internet(state: dict[str, Any]) -> Iterator[Found]:
    for uplink, at, line in _devices(state, "uplinks"):
        own = {"uplink": uplink}
        if line.get("up") is not None:
            yield _one(at, names.NET_UP, own, line["up"])
        if line.get("fault") is not None:
            yield from _set(at, names.NET_FAULT, "domain", line["fault"], own)


def _seats(state: dict[str, Any]) -> Iterator[Found]:
    for space, at, counts in _devices(state, "spaces"):
        for seat_state in names.SEAT_STATES:
            if counts.get(seat_state) is not None:
                own = {"space": space, "kind": counts["kind"], "state": seat_state}
                yield _one(at, names.SEATS, own, counts[seat_state])


def _devices(state: dict[str, Any], key: str) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Name, time of its reading (the state's where it has none of its own), fields."""
    devices = state.get(key, {})
    if len(devices) > _MAX_DEVICES:
        raise ValueError(f"{len(devices)} of {key}")
    for name, fields in devices.items():
        if LABEL_VALUE.fullmatch(name) is None:
            raise Rejected(f"state: a name in {key} outside [A-Za-z0-9_.:/ -]", reason="labels")
        at = fields.get("ts", state["ts"])
        if not isinstance(at, int) or isinstance(at, bool) or at > state["ts"]:
            raise ValueError(f"ts of one of {key}")
        yield name, at, fields


def _set(at: int, metric: Metric, label: str, state: Any, own: dict[str, str]) -> Iterator[Found]:
    if state not in metric.states[label]:
        raise ValueError(f"{label} {str(state)[:32]!r}")
    for one in metric.states[label]:
        yield _one(at, metric, {**own, label: one}, one == state)


def _one(at: int, metric: Metric, labels: dict[str, str], value: Any) -> Found:
    if not isinstance(value, int | float) or not abs(value) < 2**53:
        raise ValueError(f"{metric.name} is no number")
    series(metric, labels)
    return at, metric, labels, float(value)
