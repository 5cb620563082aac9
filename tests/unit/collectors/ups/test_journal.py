"""Outages survive restarts and power losses; our own battery-low rule; quick readings on battery."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.demo import ups
from agent.demo.card import Card
from collectors.journal import Journal
from collectors.snmp import Session
from collectors.ups import LowRule
from telemetry import catalogue as names
from telemetry.reading import Reading
from tests.devices.cards import served
from tests.devices.collector import collector

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_an_outage_goes_on_over_a_restart_under_the_same_id(tmp_path: Path) -> None:
    first = Journal(tmp_path / "j", "rack")
    first.outages.see("online", at(0), None)
    opened = first.outages.see("on_battery", at(10), 1800.0, 0.9)
    first.keep()
    again = Journal(tmp_path / "j", "rack")
    assert again.outages.see("on_battery", at(40), 1700.0, 0.8) is None
    ended = again.outages.see("online", at(100), None)
    assert opened is not None
    assert ended is not None
    assert (ended.id, ended.start, ended.end) == (opened.id, at(10), at(100))
    assert ended.evidence["charge_low"] == 0.8
    assert ended.evidence["runtime_high_seconds"] == 1800.0
    assert "ended" not in ended.evidence  # its end was seen; of its middle 30 s were not
    assert ended.evidence["gap_seconds"] == 30


def test_gaps_of_two_restarts_in_one_outage_add_up_and_the_next_outage_has_none(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", "rack")
    for second in (10, 40, 100):  # each time by another agent
        journal.outages.see("on_battery", at(second), None)
        journal.keep()
        journal = Journal(tmp_path / "j", "rack")
    journal.outages.see("on_battery", at(110), None)
    ended = journal.outages.see("online", at(120), None)
    assert ended is not None
    assert ended.evidence == {"ups": "rack", "gap_seconds": 30 + 60 + 10}
    journal.outages.see("on_battery", at(200), None)
    again = journal.outages.see("online", at(260), None)
    assert again is not None
    assert again.evidence == {"ups": "rack"}


def test_mains_that_came_back_while_the_gateway_was_dark_ends_the_outage_with_the_gap(tmp_path: Path) -> None:
    first = Journal(tmp_path / "j", "rack")
    first.outages.see("on_battery", at(10), 300.0, 0.3)
    first.keep()
    again = Journal(tmp_path / "j", "rack")
    ended = again.outages.see("online", at(3610), None)
    assert ended is not None
    assert (ended.evidence["ended"], ended.evidence["gap_seconds"]) == ("unseen", 3600)
    assert again.keep(ended) == [ended]
    assert again.keep() == []
    assert not (tmp_path / "j").exists()


def test_an_end_that_may_not_have_reached_the_outbox_is_told_again_as_the_same_event(tmp_path: Path) -> None:
    first = Journal(tmp_path / "j", "rack")
    first.outages.see("on_battery", at(10), 300.0, 0.3)
    first.keep()
    ended = first.outages.see("online", at(100), None)
    first.keep(ended)
    for _ in range(2):  # each time killed before the reading after it
        killed = Journal(tmp_path / "j", "rack")
        assert killed.outages.see("online", at(160), None) is None
        assert killed.keep() == [ended]
    assert killed.keep() == []
    assert Journal(tmp_path / "j", "rack").keep() == []


def test_an_end_told_again_stands_beside_the_outage_that_began_meanwhile(tmp_path: Path) -> None:
    first = Journal(tmp_path / "j", "rack")
    first.outages.see("on_battery", at(10), None)
    first.keep()
    ended = first.outages.see("online", at(100), None)
    first.keep(ended)
    again = Journal(tmp_path / "j", "rack")
    begun = again.outages.see("on_battery", at(160), None)
    assert begun is not None
    assert again.keep(begun) == [ended, begun]
    third = Journal(tmp_path / "j", "rack")
    assert third.outages.since == at(160)


@pytest.mark.parametrize("damage", [b"", b"{", b'{"ups":"other","since":"2026-03-01T12:00:00Z"}', b"\xff"])
def test_a_damaged_journal_is_as_good_as_none(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "j").write_bytes(damage)
    assert Journal(tmp_path / "j", "rack").outages.since is None


def test_a_directory_that_takes_nothing_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "j", "rack")
    journal.outages.see("on_battery", at(0), None)
    journal.keep()


def test_low_is_below_a_threshold_on_battery_for_two_readings() -> None:
    rule = LowRule(0.2, 300)
    assert [rule.holds("on_battery", 0.15, None), rule.holds("on_battery", 0.14, None)] == [False, True]
    assert not rule.holds("online", 0.1, 10)
    assert [rule.holds("on_battery", None, 299), rule.holds("on_battery", 0.9, 299)] == [False, True]
    assert not rule.holds("on_battery", 0.9, 301)
    assert not rule.holds("on_battery", None, None)


def test_on_battery_the_source_is_read_again_soon_and_the_rest_is_not() -> None:
    async def act() -> tuple[set[str], set[str]]:
        card = Card(ups.identity() | ups.on_battery(5))
        async with served(card) as there, collector("rack", Session(there), battery_interval_seconds=0.5) as reader:
            full = {one.metric.name async for one in reader.collect() if isinstance(one, Reading)}
            assert reader.changed is not None
            async with asyncio.timeout(3):
                await reader.changed.wait()
            quick = {one.metric.name async for one in reader.collect() if isinstance(one, Reading)}
            return full, quick

    full, quick = asyncio.run(act())
    assert names.UPS_STATUS.name in quick
    assert names.UPS_RUNTIME.name in quick
    assert names.UPS_OUTPUT_LOAD.name not in quick
    assert quick < full


def test_a_clock_that_is_set_during_an_outage_moves_its_start_and_keeps_its_name(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", "rack")
    wrong = datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    begun = journal.outages.see("online", wrong, None)
    journal.tell_time(wrong)
    begun = journal.outages.see("on_battery", wrong, None)
    journal.tell_time(at(0))  # the same moment, by a clock that was set
    ended = journal.outages.see("online", at(0), None)
    assert begun is not None
    assert ended is not None
    assert ended.id == begun.id
    assert abs((ended.start - at(0)).total_seconds()) < 5


def test_an_outage_of_before_a_power_cut_is_not_ended_in_1970(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", "rack")
    journal.outages.see("on_battery", at(0), None)
    journal.keep()
    again = Journal(tmp_path / "j", "rack")
    assert again.outages.see("online", datetime(1970, 1, 1, 0, 1, tzinfo=UTC), None) is None
    ended = again.outages.see("online", at(600), None)
    assert ended is not None
    assert (ended.start, ended.end, ended.evidence["gap_seconds"]) == (at(0), at(600), 600)
