"""Whatever the sensors send: the three states add up to the seats, and nothing personal comes out."""

import json
import logging
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.mqtt import MqttMessage
from collectors.seats import Config
from collectors.seats.map import Seat, Sensor, Space
from collectors.seats.payloads import topics
from telemetry import catalogue as names
from tests.unit.seats.room import counts, desk, seats, taken

PERSONAL = re.compile(
    r"([0-9a-f]{2}[:-]){5}|0x[0-9a-f]{16}|amna|ali|\+92|desk|cabin-\d|lab-1-|[0-9]{1,3}(\.[0-9]{1,3}){3}", re.IGNORECASE
)
MAKES = (
    Sensor("zigbee2mqtt", "zigbee2mqtt/Alis desk", sense="motion", battery=True),
    Sensor("zigbee2mqtt", "zigbee2mqtt/0x00158d0001657033"),
    Sensor("tasmota", "amnas-desk"),
    Sensor("esphome", "desk-192.0.2.7/binary_sensor/presence"),
)
ROOM = Space("lab-1", "training_room", tuple(Seat(f"lab-1-0{n}", (one,)) for n, one in enumerate(MAKES)))
CABINS = Space(
    "cabins", "cabin", (Seat("cabin-1", MAKES[:2], checkins=True), Seat("cabin-2", checkins=True), Seat("cabin-3"))
)
TOPICS = [topic for sensor in MAKES for topic in topics(sensor)]
PAYLOADS = st.sampled_from(
    [
        b"ON", b"OFF", b"online", b"offline", b"Online", b"Offline", b'{"state":"offline"}', b'{"state":"online"}',
        b'{"presence":true}', b'{"presence":false,"battery":3}', b'{"occupancy":true}', b'{"linkquality":9}',
        b'{"occupancy":false,"last_seen":"2020-01-01T00:00:00+05:00"}', b'{"presence":true,"last_seen":4102444800000}',
        b'{"Switch1":"ON"}', b'{"Switch1":{"Action":"OFF"}}', b'{"LD2410S":{"People":2}}', b"", b"\xff", b"[]",
    ]
)  # fmt: skip
MESSAGES = st.builds(MqttMessage, st.sampled_from(TOPICS), PAYLOADS | st.binary(max_size=20), st.booleans())


@given(st.lists(MESSAGES, max_size=40))
def test_occupied_free_and_unknown_are_all_the_seats_after_any_messages(messages: list[MqttMessage]) -> None:
    collector = seats(ROOM, CABINS)
    for message in messages:
        collector._on_message(message)
    readings, _ = taken(collector)
    for space in (ROOM, CABINS):
        found = counts(readings, space.name)
        assert set(found) == set(names.SEAT_STATES)
        assert sum(found.values()) == len(space.seat)
        assert min(found.values()) >= 0
    assert counts(readings, "cabins")["unknown"] >= 2, "seats without evidence are unknown"
    heard = {message.topic for message in messages}
    known = counts(readings)["occupied"] + counts(readings)["free"]
    assert known <= sum(any(topic in heard for topic in topics(sensor)) for sensor in MAKES)


def feed(directory: Path) -> Path:
    """Check-ins as a desk keeps them, with names and telephone numbers."""
    file = directory / "checkins.csv"
    now = datetime.now(UTC)
    around = f"{now.replace(year=now.year - 1).isoformat()},{now.replace(year=now.year + 1).isoformat()}"
    file.write_text(
        "seat,space,start,end,status,name,phone\n"
        f"cabin-1,cabins,{around},checked_in,Amna Khan,+923001234567\n"
        f"Amna's own cabin,cabins,{around},checked_in,Ali Raza,+923007654321\n"
    )
    os.utime(file, (now.timestamp(), now.timestamp()))
    return file


def test_readings_and_logs_hold_nothing_but_space_kind_state_and_numbers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    collector = seats(ROOM, CABINS, config=Config(map="unused", checkins_file=str(feed(tmp_path))))
    said = {"presence": True, "occupancy": True, "ieee_address": "0x00158d0001657033", "name": "Amna"}
    for topic in TOPICS:
        collector._on_message(desk(topic, said))
        collector._on_message(desk(topic, "ON"))
    readings, _ = taken(collector)
    assert counts(readings, "cabins")["occupied"] == 1
    assert {label for one in readings for label in one.series.label_map()} == {
        "space",
        "kind",
        "state",
        "source",
        "status",
    }
    written = json.dumps([[one.metric.name, one.series.label_map(), one.value] for one in readings])
    assert PERSONAL.search(written) is None, written
    assert PERSONAL.search(caplog.text) is None, caplog.text


def test_an_evidence_age_belongs_to_a_space_and_is_the_oldest_there() -> None:
    collector = seats(ROOM)
    for number, place in enumerate(collector._places):
        for signal in place.sensors.values():
            signal.say(True, time.monotonic() - 100 * number)
    readings, _ = taken(collector)
    (age,) = [one for one in readings if one.metric is names.SEAT_EVIDENCE_AGE]
    assert age.series.labels == ("lab-1", "training_room")
    assert age.value == pytest.approx(300, abs=2)
