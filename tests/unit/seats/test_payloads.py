"""What Zigbee2MQTT, Tasmota and ESPHome messages say of a seat."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collectors.seats.map import Format, Sensor
from collectors.seats.payloads import Update, parse, topics
from tests.unit.seats.messages import CASES, Case

PIR = Sensor("zigbee2mqtt", "zigbee2mqtt/desk-1", battery=True)
ALL = [PIR, Sensor("tasmota", "desk-2"), Sensor("esphome", "desk-3/binary_sensor/presence")]


def said(payload: object, sensor: Sensor = PIR) -> Update:
    """What a state message of this sensor tells."""
    update = parse(sensor, topics(sensor)[0], json.dumps(payload).encode())
    assert update is not None
    return update


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.case)
def test_each_recorded_message_says_what_its_make_means(case: Case) -> None:
    for message in case.messages:
        assert message.topic in topics(case.sensor), "it would never be received"
        update = parse(case.sensor, message.topic, message.payload.encode())
        if message.says is None:
            assert update is None
        else:
            assert update is not None
            assert message.says.agrees_with(update), update


def test_every_make_is_recorded_and_no_topic_serves_two_cases() -> None:
    assert {case.sensor.format for case in CASES} == {"zigbee2mqtt", "tasmota", "esphome"}
    heard = [topic for case in CASES for topic in topics(case.sensor)]
    assert len(set(heard)) == len(heard)


@pytest.mark.parametrize(
    ("make", "topic", "expected"),
    [
        ("zigbee2mqtt", "zigbee2mqtt/lab/desk-07", {"zigbee2mqtt/lab/desk-07", "zigbee2mqtt/lab/desk-07/availability"}),
        ("tasmota", "desk-3", {"tele/desk-3/SENSOR", "stat/desk-3/RESULT", "tele/desk-3/LWT"}),
        ("esphome", "desk-1/binary_sensor/presence", {"desk-1/binary_sensor/presence/state", "desk-1/status"}),
    ],
)
def test_state_and_availability_of_each_make_are_subscribed(make: Format, topic: str, expected: set[str]) -> None:
    assert set(topics(Sensor(make, topic))) == expected


def test_presence_decides_before_occupancy() -> None:
    assert said({"occupancy": True, "presence": False}).verdict is False


def test_last_seen_in_iso_with_an_offset_and_in_milliseconds_are_the_same_moment() -> None:
    iso = said({"presence": True, "last_seen": "2026-03-01T17:00:00+05:00"}).seen_at
    assert iso == said({"presence": True, "last_seen": 1772366400000}).seen_at == 1772366400.0


@pytest.mark.parametrize("value", [True, None, "", "soon", [1], {"at": 1}])
def test_an_unreadable_last_seen_leaves_the_verdict_standing(value: object) -> None:
    update = said({"presence": True, "last_seen": value})
    assert (update.verdict, update.seen_at) == (True, None)


def test_a_last_seen_of_400_digits_is_unreadable_like_any_other_nonsense() -> None:
    update = said({"presence": True, "last_seen": 10**400})
    assert (update.verdict, update.seen_at) == (True, None)


def test_a_message_without_a_battery_says_nothing_of_the_battery() -> None:
    """Zigbee2MQTT with cache_state: false sends only what changed."""
    assert said({"presence": True}).low_battery is None


@pytest.mark.parametrize(("percent", "low"), [(0, True), (14, True), (15, False), (100, False)])
def test_a_battery_is_low_below_15_percent(percent: int, low: bool) -> None:
    assert said({"occupancy": False, "battery": percent}).low_battery is low


@pytest.mark.parametrize("sensor", ALL, ids=lambda sensor: sensor.format)
def test_a_payload_above_8_kib_is_not_even_parsed(sensor: Sensor) -> None:
    body = b'{"presence":true,"Switch1":"ON","x":"' + b"x" * 8192 + b'"}'
    assert parse(sensor, topics(sensor)[0], body) is None


def test_nesting_beyond_any_sense_cannot_be_read() -> None:
    assert parse(PIR, PIR.topic, b'{"a":' * 1500) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = ("presence", "occupancy", "battery", "battery_low", "last_seen", "state", "Switch1", "LD2410S", "People")
OBJECTS = st.dictionaries(st.sampled_from(KEYS), VALUES | st.fixed_dictionaries({"People": VALUES, "Action": VALUES}))


@given(
    st.sampled_from(ALL), st.integers(0, 2), st.binary(max_size=64) | OBJECTS.map(lambda one: json.dumps(one).encode())
)
@example(PIR, 0, b'{"presence":true,"last_seen":NaN}')
@example(PIR, 0, b'{"battery":true,"occupancy":1}')
@example(PIR, 1, b"{}")
@example(ALL[1], 0, b'{"LD2410S":{"People":"2"}}')
@example(ALL[2], 0, b"\xff\xfe")
def test_no_payload_at_all_raises(sensor: Sensor, which: int, payload: bytes) -> None:
    known = topics(sensor)
    update = parse(sensor, known[which % len(known)], payload)
    assert update is None or update.verdict in (True, False, None)
