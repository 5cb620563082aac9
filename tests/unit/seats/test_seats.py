"""The Seats collector: messages and check-ins in, counts by space out, and nothing personal."""

import csv
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.mqtt import BrokerConfig
from collectors.seats import Config, Place, Seats, Tally, build
from collectors.seats.map import Seat, Sensor
from collectors.seats.occupancy import Decision, State
from stage.process import free_port
from telemetry import catalogue as names
from telemetry.errors import BadData, ConfigError
from tests.unit.seats.messages import CASES, Case, space_of
from tests.unit.seats.room import counts, desk, lab, radar, seats, taken

SHIPPED = Path(__file__).resolve().parents[3] / "config/seats.toml"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.case)
def test_each_recorded_case_leaves_its_seat_as_it_should(case: Case) -> None:
    collector = seats(space_of((case,)))
    for message in case.messages:
        collector._on_message(message.received())
    assert counts(taken(collector)[0]) == {state: float(state == case.seat) for state in names.SEAT_STATES}


def last_seen(ago: float) -> tuple[str, int]:
    """ISO 8601 and epoch milliseconds of `ago` seconds before now."""
    at = time.time() - ago
    return datetime.fromtimestamp(at, UTC).isoformat(), int(at * 1000)


@pytest.mark.parametrize(("ago", "state"), [(3, "occupied"), (600, "occupied"), (700, "unknown"), (90_000, "unknown")])
def test_last_seen_tells_the_age_of_the_evidence(ago: float, state: State) -> None:
    for stamp in last_seen(ago):
        collector = seats(lab(radar()))
        collector._on_message(desk("zigbee2mqtt/radar-1", {"presence": True, "last_seen": stamp}))
        readings, _ = taken(collector)
        assert counts(readings)[state] == 1
        ages = [one.value for one in readings if one.metric is names.SEAT_EVIDENCE_AGE]
        assert ages == ([pytest.approx(ago, abs=5)] if state == "occupied" else [])


def test_last_seen_a_little_ahead_is_now_and_far_ahead_is_not_believed() -> None:
    for ago, state in ((-200.0, "occupied"), (-400.0, "unknown")):
        for stamp in last_seen(ago):
            collector = seats(lab(radar()))
            collector._on_message(desk("zigbee2mqtt/radar-1", {"presence": True, "last_seen": stamp}))
            assert counts(taken(collector)[0])[state] == 1


def test_a_heartbeat_keeps_a_seat_from_going_stale_but_is_no_evidence_of_its_own() -> None:
    collector = seats(lab(radar()))
    (place,) = collector._places
    (signal,) = place.sensors.values()
    collector._on_message(desk("zigbee2mqtt/radar-1", {"linkquality": 80}))
    assert signal.status(time.monotonic()) == "never_seen"
    collector._on_message(desk("zigbee2mqtt/radar-1", {"presence": True}))
    signal.at -= 650
    collector._on_message(desk("zigbee2mqtt/radar-1", {"linkquality": 80}))
    assert signal.status(time.monotonic() + 600) == "ok"


def test_a_retained_heartbeat_proves_no_life() -> None:
    collector = seats(lab(radar()))
    (place,) = collector._places
    (signal,) = place.sensors.values()
    collector._on_message(desk("zigbee2mqtt/radar-1", {"presence": True}))
    signal.at -= 650
    collector._on_message(desk("zigbee2mqtt/radar-1", {"linkquality": 80}, retained=True))
    assert signal.status(time.monotonic() + 600) == "stale"


def test_a_retained_word_of_an_esphome_counts_only_once_its_status_says_online() -> None:
    """Retained on (re)subscribe, it may be days old."""
    collector = seats(lab(Seat("a", (Sensor("esphome", "e/binary_sensor/p"),))))
    collector._on_message(desk("e/binary_sensor/p/state", "ON", retained=True))
    assert counts(taken(collector)[0])["unknown"] == 1
    collector._on_message(desk("e/status", "online", retained=True))
    assert counts(taken(collector)[0])["occupied"] == 1


def test_a_message_that_changes_a_seat_wakes_the_scheduler_and_a_repeat_does_not() -> None:
    collector = seats(lab(radar()))
    assert collector.changed is not None
    for payload, woken in (({"linkquality": 1}, False), ({"presence": True}, True), ({"presence": True}, False)):
        collector._on_message(desk("zigbee2mqtt/radar-1", payload))
        assert collector.changed.is_set() is woken
        collector.changed.clear()


def test_a_message_on_a_foreign_topic_is_nothing() -> None:
    collector = seats(lab(radar()))
    collector._on_message(desk("zigbee2mqtt/somebody-else", {"presence": True}))
    assert counts(taken(collector)[0])["unknown"] == 1


def test_one_sensor_may_tell_about_two_seats() -> None:
    sensor = Sensor("zigbee2mqtt", "zigbee2mqtt/bench")
    collector = seats(lab(Seat("a", (sensor,)), Seat("b", (sensor,))))
    collector._on_message(desk("zigbee2mqtt/bench", {"presence": True}))
    assert counts(taken(collector)[0])["occupied"] == 2


def test_a_conflict_is_counted_when_it_begins_and_never_again_while_it_lasts() -> None:
    pir = Sensor("zigbee2mqtt", "zigbee2mqtt/pir", sense="motion")
    collector = seats(lab(Seat("a", (*radar().sensors, pir))))
    for topic, key, value in (
        ("radar-1", "presence", False), ("pir", "occupancy", True), ("pir", "occupancy", True),
        ("radar-1", "presence", False), ("pir", "occupancy", False), ("pir", "occupancy", True),
    ):  # fmt: skip
        collector._on_message(desk(f"zigbee2mqtt/{topic}", {key: value}))
    readings, _ = taken(collector)
    assert [(one.series.labels, one.value) for one in readings if one.metric is names.SEAT_CONFLICTS] == [
        (("training_room",), 2)
    ]
    assert counts(readings)["free"] == 1, "it changes the state"


def test_seat_seconds_go_to_the_state_the_seat_was_in_and_never_run_backwards() -> None:
    tally, place = Tally(), Place(lab(radar()), radar())
    moments: list[tuple[float, State]] = [
        (100, "unknown"), (160, "free"), (150, "free"), (210, "occupied"), (1000, "free"),
    ]  # fmt: skip
    for now, state in moments:
        tally.pass_time(place, now)
        place.decision = Decision(state, "presence", 0.0, conflict=False)
    assert tally.seconds == {("lab-1", "unknown"): 60, ("lab-1", "free"): 60, ("lab-1", "occupied"): 790}


def test_a_visit_is_free_to_occupied_and_unknown_to_occupied_is_none() -> None:
    tally, place = Tally(), Place(lab(radar()), radar())
    states: list[State] = ["occupied", "free", "occupied", "unknown", "occupied", "free"]
    for state in states:
        before, place.decision = place.decision, Decision(state, "presence", 0.0, conflict=False)
        tally.turn(place, before)
    assert tally.visits == {"lab-1": 1}


def test_a_map_whose_seats_have_no_source_says_so_and_counts_them_unknown() -> None:
    readings, reason = taken(seats(lab(Seat("a"), Seat("b"))))
    assert reason == BadData.reason
    assert counts(readings) == {"occupied": 0, "free": 0, "unknown": 2}


def checkins(directory: Path, *rows: tuple[str, str], age: float = 0.0) -> Path:
    """A CSV of seats and statuses around now, with the names that a desk keeps."""
    now = datetime.now(UTC)
    file = directory / "checkins.csv"
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["seat", "space", "start", "end", "status", "name", "phone"])
        for seat, status in rows:
            around = [(now + timedelta(hours=hours)).isoformat() for hours in (-1, 1)]
            writer.writerow([seat, "lab-1", *around, status, "Amna Khan", "+923001234567"])
    os.utime(file, (now.timestamp() - age, now.timestamp() - age))
    return file


def booked(file: Path, *more: Seat) -> Seats:
    rooms = lab(Seat("a", checkins=True), Seat("b", checkins=True), *more)
    return seats(rooms, config=Config(map="unused", checkins_file=str(file)))


def test_check_ins_hold_their_seats_and_a_fresh_file_frees_the_others(tmp_path: Path) -> None:
    collector = booked(checkins(tmp_path, ("a", "checked_in"), ("b", "booked")), Seat("c"))
    readings, reason = taken(collector)
    assert (counts(readings), reason) == ({"occupied": 1, "free": 1, "unknown": 1}, "")


def test_a_file_older_than_15_minutes_says_nothing(tmp_path: Path) -> None:
    collector = booked(checkins(tmp_path, ("a", "checked_in"), age=901))
    assert counts(taken(collector)[0]) == {"occupied": 0, "free": 0, "unknown": 2}


def test_a_feed_that_vanishes_is_counted_by_its_reason_and_the_sensors_go_on(tmp_path: Path) -> None:
    collector = booked(tmp_path / "none.csv", radar())
    collector._on_message(desk("zigbee2mqtt/radar-1", {"presence": True}))
    readings, reason = taken(collector)
    assert (counts(readings), reason) == ({"occupied": 1, "free": 0, "unknown": 2}, "unreachable")


def test_sensors_and_feeds_are_counted_by_how_far_they_can_be_trusted(tmp_path: Path) -> None:
    collector = booked(checkins(tmp_path, age=901), radar(1), radar(2), radar(3))
    collector._on_message(desk("zigbee2mqtt/radar-1", {"presence": True, "battery": 9}))
    collector._on_message(desk("zigbee2mqtt/radar-2/availability", "offline"))
    readings, _ = taken(collector)
    found = {one.series.labels: one.value for one in readings if one.metric is names.SEAT_SENSORS and one.value}
    assert found == {
        ("checkins", "stale"): 2, ("mqtt", "low_battery"): 1, ("mqtt", "offline"): 1, ("mqtt", "never_seen"): 1,
    }  # fmt: skip


def test_a_password_file_that_cannot_be_read_is_refused_by_its_name(tmp_path: Path) -> None:
    config = Config(map=str(SHIPPED), broker=BrokerConfig(password_file=str(tmp_path / "none")))
    with pytest.raises(ConfigError, match=r"none: .*secret not readable"):
        build(config, tmp_path)


def test_the_sensors_of_a_lost_broker_are_stale_and_have_been_seen() -> None:
    collector = seats(lab(radar()), config=Config(map="unused", broker=BrokerConfig(port=free_port())))
    collector._on_message(desk("zigbee2mqtt/radar-1", {"presence": True}))
    assert collector._sensors is not None
    collector._sensors._lost_at = time.monotonic() - 61
    readings, reason = taken(collector)
    assert (counts(readings)["unknown"], reason) == (1, "unreachable")
    statuses = {one.series.labels[1]: one.value for one in readings if one.metric is names.SEAT_SENSORS}
    assert statuses["never_seen"] == 0
    assert statuses["stale"] + statuses["offline"] == 1
