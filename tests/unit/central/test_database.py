"""The central database, on SQLite and on PostgreSQL: one code, one behaviour."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import IntegrityError

from central.database import centre_infos, centres, events, open_database, store_events, technicians
from telemetry.event import Event
from tests.unit.telemetry.strategies import events as any_event

CENTRE = "PK-PB-00042"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
INFO = {"name": "Lahore 42", "province": "Punjab", "district": "Lahore", "isp": "PTCL", "feeder": "F-7"}


@pytest.fixture
def engine(shared: Engine) -> Engine:
    with shared.begin() as connection:
        for table in (events, technicians, centres):
            connection.execute(delete(table))
    return shared


def _row(
    minutes: float | None = None, *, key: str = "outage-rack-1", centre: str = CENTRE, **more: Any
) -> dict[str, Any]:
    """An outage; it ended so many minutes after its start, or still lasts."""
    end = None if minutes is None else START + timedelta(minutes=minutes)
    evidence = {"ups": "rack", **more}
    return {"centre": centre, "id": key, "kind": "outage", "start": START, "end": end, "evidence": evidence}


def _stored(engine: Engine) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [row._asdict() for row in connection.execute(select(events).order_by(events.c.centre, events.c.id))]


def test_an_event_is_stored_as_it_was_told(engine: Engine) -> None:
    store_events(engine, [_row(runtime_seconds=1800.5, whole=7, flag=True)])
    assert _stored(engine) == [_row(runtime_seconds=1800.5, whole=7, flag=True)]


@pytest.mark.parametrize("times", [2, 5])
def test_an_event_told_again_is_stored_once(engine: Engine, times: int) -> None:
    for _ in range(times):
        store_events(engine, [_row()])
    store_events(engine, [_row()] * times)
    assert _stored(engine) == [_row()]


def test_a_later_end_completes_an_open_event_and_brings_its_evidence(engine: Engine) -> None:
    store_events(engine, [_row(runtime_seconds=1800)])
    store_events(engine, [_row(25, runtime_seconds=300)])
    assert _stored(engine) == [_row(25, runtime_seconds=300)]


@pytest.mark.parametrize("late", [None, 10, 90])
def test_a_closed_event_is_never_reopened_and_never_moved(engine: Engine, late: float | None) -> None:
    store_events(engine, [_row(25)])
    store_events(engine, [_row(late, other="evidence")])
    assert _stored(engine) == [_row(25)]


def test_an_end_that_arrives_before_its_beginning_is_kept(engine: Engine) -> None:
    store_events(engine, [_row(25), _row()])
    assert _stored(engine) == [_row(25)]


def test_a_beginning_and_its_end_may_come_in_one_batch(engine: Engine) -> None:
    store_events(engine, [_row(), _row(25)])
    assert _stored(engine) == [_row(25)]


def test_centres_share_ids_without_sharing_events(engine: Engine) -> None:
    store_events(engine, [_row(centre="PK-A"), _row(5, centre="PK-B")])
    assert [(row["centre"], row["end"] is None) for row in _stored(engine)] == [("PK-A", True), ("PK-B", False)]


def test_nothing_to_store_is_nothing_done(engine: Engine) -> None:
    store_events(engine, [])
    assert _stored(engine) == []


def test_times_come_back_aware_and_in_utc_whatever_zone_they_went_in_with(engine: Engine) -> None:
    karachi = timezone(timedelta(hours=5))
    store_events(engine, [{**_row(), "start": START.astimezone(karachi)}])
    (row,) = _stored(engine)
    assert (row["start"], row["start"].utcoffset()) == (START, timedelta(0))


def test_milliseconds_are_kept(engine: Engine) -> None:
    exact = START + timedelta(milliseconds=123)
    store_events(engine, [{**_row(), "start": exact}])
    assert _stored(engine)[0]["start"] == exact


@settings(max_examples=40)
@given(st.lists(any_event(), max_size=6))
def test_whatever_an_agent_may_send_the_database_takes(shared: Engine, told: list[Event]) -> None:
    rows = [{"centre": CENTRE, **{key: getattr(event, key) for key in Event.__struct_fields__}} for event in told]
    with shared.begin() as connection:
        connection.execute(delete(events))
    store_events(shared, rows)
    store_events(shared, rows)
    stored = {row["id"]: row for row in _stored(shared)}
    assert set(stored) == {event.id for event in told}
    for key, row in stored.items():
        same = [event for event in told if event.id == key]
        assert row["start"] == same[0].start
        assert (row["end"] is None) == all(event.end is None for event in same)


@pytest.mark.parametrize("length", [1, 64])
def test_the_longest_id_of_the_wire_fits(engine: Engine, length: int) -> None:
    store_events(engine, [_row(key="x" * length, centre="ABCDEFGH-12345678-ABCDEFGH-12345678")])
    assert len(_stored(engine)) == 1


def test_centres_are_known_by_where_they_are(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(insert(centres).values(id=CENTRE, opening_hours="09:00-17:00", **INFO))
    assert centre_infos(engine) == {CENTRE: INFO}


def test_a_technician_goes_with_the_centre(engine: Engine) -> None:
    person = {"position": 1, "name": "N. N.", "language": "en", "channels": [{"sms": "0"}]}
    with engine.begin() as connection:
        connection.execute(insert(centres).values(id=CENTRE, opening_hours="x", **INFO))
        connection.execute(insert(technicians).values(centre=CENTRE, **person))
        connection.execute(delete(centres))
        assert connection.execute(select(technicians)).all() == []


def test_two_technicians_do_not_stand_in_one_place(engine: Engine) -> None:
    person = {"centre": CENTRE, "position": 1, "name": "N. N.", "language": "en", "channels": []}
    with engine.begin() as connection:
        connection.execute(insert(centres).values(id=CENTRE, opening_hours="x", **INFO))
        connection.execute(insert(technicians).values(**person))
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(insert(technicians).values(**person))


def test_opening_the_database_again_keeps_what_is_there(engine: Engine) -> None:
    store_events(engine, [_row()])
    again = open_database(engine.url.render_as_string(hide_password=False))
    assert _stored(again) == [_row()]
    again.dispose()


def test_a_sqlite_file_is_durable(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/central.sqlite")
    with engine.connect() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar()
    assert (mode, synchronous) == ("wal", 2)
    engine.dispose()
