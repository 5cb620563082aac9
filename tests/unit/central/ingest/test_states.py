"""The urgent lane gives the very samples that the history gives later: one sample twice, never two."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.batches import Columns, OpenBatch, ticks_of
from agent.clock import Stamped
from agent.snapshot import Snapshot
from agent.states import states
from central.ingest.admit import admit, template
from central.ingest.states import state_series
from telemetry import catalogue as names
from telemetry.errors import Rejected
from telemetry.reading import Reading, reading, state_readings
from telemetry.wire import parse_batch
from tests.unit.central.write_request import read
from tests.unit.telemetry.strategies import NOW_MS

CENTRE = "PK-PB-00042"
AT = datetime.fromtimestamp(NOW_MS / 1000, UTC)
Sample = tuple[tuple[tuple[str, str], ...], float, int]


def _samples(body: bytes) -> set[Sample]:
    return {(tuple(one.labels), value, at) for one in read(body) for value, at in one.samples}


def _told(name: str, **fields: Any) -> set[Sample]:
    return _samples(state_series(CENTRE, name, {"v": 1, "ts": NOW_MS, **fields}))


def _ups(status: str, charge: float, runtime: float) -> list[Reading]:
    return [
        reading(names.UPS_UP, 1, AT, ups="rack"),
        *state_readings(names.UPS_STATUS, "status", status, AT, ups="rack"),
        reading(names.UPS_CHARGE, charge, AT, ups="rack"),
        reading(names.UPS_RUNTIME, runtime, AT, ups="rack"),
        reading(names.UPS_BATTERY_LOW, 0, AT, ups="rack"),
        reading(names.UPS_OVERLOAD, 1, AT, ups="rack"),
    ]


def _line(fault: str, up: float) -> list[Reading]:
    return [
        reading(names.NET_UP, up, AT, uplink="fibre"),
        *state_readings(names.NET_FAULT, "domain", fault, AT, uplink="fibre"),
    ]


def _hall(occupied: int, free: int) -> list[Reading]:
    counts = {"occupied": occupied, "free": free, "unknown": 0}
    return [reading(names.SEATS, n, AT, space="hall", kind="cabin", state=one) for one, n in counts.items()]


@given(
    st.sampled_from(names.UPS_STATUSES), st.floats(0, 1), st.floats(0, 86_400), st.sampled_from(names.FAULT_DOMAINS),
    st.sampled_from((0.0, 1.0)), st.integers(0, 500), st.integers(0, 500),
)  # fmt: skip
def test_a_state_gives_the_samples_that_the_batch_of_the_same_tick_gives(
    status: str, charge: float, runtime: float, fault: str, up: float, occupied: int, free: int
) -> None:
    mains = reading(names.MAINS_UP, up, AT, source="printer")
    readings = [*_ups(status, charge, runtime), mains, *_line(fault, up), *_hall(occupied, free)]
    snapshot = Snapshot(lambda: AT)
    snapshot.put("test/x", readings)
    urgent = set()
    for name, state in states(snapshot).items():
        urgent |= _samples(state_series(CENTRE, name, {"v": 1, "ts": state.ts, **state.fields}))

    batch = OpenBatch(Columns(), Stamped(certain=True, boot="this", offset_ms=0))
    (tick,) = ticks_of(readings)
    batch.add(tick, ())
    message = parse_batch(batch.encode(1, 1))
    assert batch.columns.schema is not None
    history = _samples(admit(message, template(CENTRE, batch.columns.schema), NOW_MS).body)
    assert urgent <= history
    assert len(urgent) == len(readings)


def test_a_card_that_is_down_says_nothing_else() -> None:
    labels = (("__name__", "centre_ups_up"), ("centre", CENTRE), ("job", "centre"), ("ups", "rack"))
    assert _told("power", ups={"rack": {"up": False}}) == {(labels, 0.0, NOW_MS)}


@pytest.mark.parametrize("name", ["online", "agent", "occupancy", "__proto__"])
def test_a_state_without_series_gives_none(name: str) -> None:
    assert state_series(CENTRE, name, {"v": 1, "ts": NOW_MS, "online": True}) == b""


def test_a_state_without_devices_gives_none() -> None:
    assert _told("power") == _told("power", ups={}) == _told("internet", uplinks={}) == set()


@pytest.mark.parametrize(
    ("name", "fields", "reason"),
    [
        ("power", {"ups": []}, "malformed"),
        ("power", {"ups": [1]}, "malformed"),
        ("power", {"ups": "rack"}, "malformed"),
        ("power", {"ups": {"rack": 1}}, "malformed"),
        ("power", {"ups": {"rack": {}}}, "malformed"),
        ("power", {"ups": {"rack": {"up": None}}}, "malformed"),
        ("power", {"ups": {"rack": {"up": "yes"}}}, "malformed"),
        ("power", {"ups": {"rack": {"up": True, "status": "party"}}}, "malformed"),
        ("power", {"ups": {"rack": {"up": True, "status": ["online"]}}}, "malformed"),
        ("power", {"ups": {"rack": {"up": True, "charge_ratio": "1"}}}, "malformed"),
        ("power", {"ups": {"rack": {"up": True, "charge_ratio": 1e300}}}, "malformed"),
        ("power", {"ups": {"rack": {"up": True, "charge_ratio": 2**60}}}, "malformed"),
        ("power", {"ups": {'ra"ck': {"up": True}}}, "labels"),
        ("power", {"ups": {"r" * 65: {"up": True}}}, "labels"),
        ("power", {"ups": {f"u{n}": {"up": True} for n in range(33)}}, "malformed"),
        ("power", {"mains": {"printer": {"up": None}}}, "malformed"),
        ("power", {"mains": {"printer": {"up": "perhaps"}}}, "malformed"),
        ("power", {"mains": [True]}, "malformed"),
        ("internet", {"uplinks": {"fibre": {"fault": "aliens"}}}, "malformed"),
        ("internet", {"uplinks": {"fibre": {"up": {}}}}, "malformed"),
        ("seats", {"spaces": {"hall": {"free": 3}}}, "malformed"),
        ("seats", {"spaces": {"hall": {"free": 3, "kind": "sauna"}}}, "malformed"),
        ("seats", {"spaces": {"hall": {"free": "3", "kind": "cabin"}}}, "malformed"),
    ],
    ids=str,
)
def test_a_state_that_lies_about_its_shape_is_rejected(name: str, fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        _told(name, **fields)
    assert caught.value.reason == reason


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["rack", "up", "status", "fault", "kind", "free", "charge_ratio"]) | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(st.sampled_from(["power", "internet", "seats"]), st.sampled_from(["ups", "mains", "uplinks", "spaces"]), _JSON)
def test_any_json_is_samples_of_this_centre_or_a_rejection(name: str, key: str, value: Any) -> None:
    try:
        told = _told(name, **{key: value})
    except Rejected as problem:
        assert problem.reason  # noqa: PT017 - any rejection will do
        return
    assert all(("centre", CENTRE) in labels and at == NOW_MS for labels, _, at in told)


@pytest.mark.parametrize("ts", [0, 2**35 - 1, (1 << 42) - 1])
def test_a_time_that_passed_for_a_state_is_samples_or_a_rejection(ts: int) -> None:
    try:
        body = state_series(CENTRE, "power", {"v": 1, "ts": ts, "ups": {"rack": {"up": True}}})
    except Rejected:
        return
    assert {at for _, _, at in _samples(body)} == {ts}
