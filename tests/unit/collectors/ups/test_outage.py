"""Outages: from the first reading on battery to the first on mains, and nothing is concluded in between."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.outage import Outages
from telemetry.catalogue import UPS_STATUSES
from telemetry.event import Event

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def _seen(*statuses: str) -> tuple[Outages, list[Event]]:
    outages = Outages("rack")
    events = [outages.see(status, _at(minute), 600.0) for minute, status in enumerate(statuses)]
    return outages, [event for event in events if event is not None]


def test_an_outage_opens_with_the_first_reading_on_battery_and_ends_with_mains() -> None:
    outages, events = _seen("online", "on_battery", "on_battery", "online", "online")
    opened, ended = events
    assert (opened.start, opened.end) == (_at(1), None)
    assert (ended.id, ended.start, ended.end) == (opened.id, _at(1), _at(3))
    assert opened.kind == "outage"
    assert opened.evidence == {"ups": "rack", "runtime_seconds": 600.0}
    assert outages.transfers == 1


@pytest.mark.parametrize("mains", ["online", "boost", "trim", "eco", "bypass"])
def test_every_way_to_run_on_mains_ends_an_outage(mains: str) -> None:
    _, events = _seen("online", "on_battery", mains)
    assert [event.end is None for event in events] == [True, False]


@pytest.mark.parametrize("status", ["test", "other"])
def test_a_self_test_or_an_unknown_status_neither_opens_nor_ends_an_outage(status: str) -> None:
    assert _seen("online", status, "online")[1] == []
    assert len(_seen("online", "on_battery", status, "on_battery")[1]) == 1


@pytest.mark.parametrize("status", ["off", "standby"])
def test_a_ups_that_drops_its_load_and_waits_for_mains_has_not_seen_mains(status: str) -> None:
    # PowerNet 11 sleepingUntilUtilityReturns, RFC 1628 2 none: the battery is empty, the cut goes on.
    outages, events = _seen("online", "on_battery", status)
    assert [event.end for event in events] == [None]
    ended = outages.see("online", _at(90), None)
    assert ended is not None
    assert ended.end == _at(90)


def test_an_agent_that_starts_in_an_outage_opens_it_but_saw_no_transfer() -> None:
    outages, events = _seen("on_battery", "on_battery")
    assert (len(events), outages.transfers) == (1, 0)


def test_seconds_count_from_the_start_and_are_nought_on_mains() -> None:
    outages, _ = _seen("online", "on_battery")
    assert outages.seconds(_at(3)) == 120
    outages.see("online", _at(4), None)
    assert outages.seconds(_at(5)) == 0


def test_a_clock_that_goes_back_gives_no_negative_seconds() -> None:
    outages, _ = _seen("online", "on_battery")
    assert outages.seconds(_at(-60)) == 0


def test_two_outages_have_two_ids() -> None:
    _, events = _seen("online", "on_battery", "online", "on_battery", "online")
    assert len({event.id for event in events}) == 2


def test_runtime_that_is_not_known_is_no_evidence() -> None:
    event = Outages("rack").see("on_battery", START, None)
    assert event is not None
    assert event.evidence == {"ups": "rack"}


def test_an_event_ends_no_earlier_than_it_began_whatever_the_clock_does() -> None:
    outages = Outages("rack")
    outages.see("online", _at(0), None)
    outages.see("on_battery", _at(60), None)
    event = outages.see("online", _at(10), None)
    assert event is not None
    assert event.end is not None
    assert event.end >= event.start


@given(st.lists(st.sampled_from(UPS_STATUSES), max_size=40))
def test_events_alternate_and_every_end_names_its_beginning(statuses: list[str]) -> None:
    outages, events = _seen(*statuses)
    for opened, ended in zip(events[::2], events[1::2], strict=False):
        assert opened.end is None
        assert ended.end is not None
        assert (ended.id, ended.start) == (opened.id, opened.start)
        assert ended.end > ended.start
    assert (len(events) % 2 == 1) == (outages.since is not None)
    assert outages.transfers <= (len(events) + 1) // 2
