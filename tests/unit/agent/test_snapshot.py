"""The present: what is too old is absent, never shown as live."""

from datetime import UTC, datetime, timedelta

import pytest

from agent.snapshot import Snapshot
from telemetry import catalogue as names
from telemetry.metric import Metric
from telemetry.reading import Reading, reading

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A wall clock that only moves when told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        """Forward, or back as a clock jump."""
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def snapshot(clock: Clock) -> Snapshot:
    return Snapshot(clock)


def _up(value: float, at: datetime, ups: str = "rack") -> Reading:
    return reading(names.UPS_UP, value, at, ups=ups)


def test_the_latest_reading_of_a_series_is_live(snapshot: Snapshot, clock: Clock) -> None:
    snapshot.put("ups/rack", [_up(0, START)])
    clock.move(10)
    snapshot.put("ups/rack", [_up(1, clock.now)])
    assert [(one.value, one.at) for one in snapshot.live()] == [(1, clock.now)]


@pytest.mark.parametrize("metric", [names.HOST_CPU, names.HOST_MEMORY_TOTAL, names.AGENT_OUTBOX_ROWS])
def test_a_reading_is_live_until_its_max_age_and_absent_after(snapshot: Snapshot, clock: Clock, metric: Metric) -> None:
    snapshot.put("host/gateway", [reading(metric, 1, START)])
    clock.move(metric.max_age_seconds)
    assert len(snapshot.live()) == 1
    clock.move(0.001)
    assert snapshot.live() == []
    assert snapshot.of(metric) == []
    assert [one.value for one in snapshot.last()] == [1]


def test_a_slow_collector_does_not_blink(snapshot: Snapshot, clock: Clock) -> None:
    snapshot.put("host/gateway", [reading(names.HOST_CPU, 0.5, START)], at_least_seconds=600)
    clock.move(600)
    assert len(snapshot.live()) == 1
    clock.move(1)
    assert snapshot.live() == []


def test_at_least_never_shortens_the_max_age(snapshot: Snapshot, clock: Clock) -> None:
    snapshot.put("host/gateway", [reading(names.HOST_CPU, 0.5, START)], at_least_seconds=1)
    clock.move(names.HOST_CPU.max_age_seconds)
    assert len(snapshot.live()) == 1


def test_a_series_that_a_tick_lacks_stays_until_its_own_age(snapshot: Snapshot, clock: Clock) -> None:
    snapshot.put("ups/a", [_up(1, START, "a"), reading(names.UPS_CHARGE, 0.9, START, ups="a")])
    clock.move(30)
    snapshot.put("ups/a", [_up(1, clock.now, "a")])
    assert len(snapshot.live()) == 2
    clock.move(31)
    assert [one.metric for one in snapshot.live()] == [names.UPS_UP]


def test_what_a_source_says_is_gone_is_gone_at_once_and_only_there(snapshot: Snapshot) -> None:
    for ups in "ab":
        snapshot.put(f"ups/{ups}", [_up(1, START, ups), reading(names.UPS_CHARGE, 0.9, START, ups=ups)])
    snapshot.forget("ups/a", frozenset({names.UPS_CHARGE}))
    assert {(one.metric.name, one.series.labels) for one in snapshot.last()} == {
        ("centre_ups_up", ("a",)),
        ("centre_ups_up", ("b",)),
        ("centre_ups_battery_charge_ratio", ("b",)),
    }


def test_what_a_source_does_not_know_any_more_is_not_live_but_keeps_its_age(snapshot: Snapshot, clock: Clock) -> None:
    for source in "ab":
        snapshot.put(f"mains/{source}", [reading(names.MAINS_UP, 1, START, source=source)], at_least_seconds=600)
    clock.move(5)
    snapshot.expire("mains/a", frozenset({names.MAINS_UP}))
    assert [one.series.labels for one in snapshot.of(names.MAINS_UP)] == [("b",)]
    assert [snapshot.age_seconds(one) for one in snapshot.last()] == [5, 5]
    snapshot.put("mains/a", [reading(names.MAINS_UP, 0, clock.now, source="a")])
    assert [one.value for one in snapshot.of(names.MAINS_UP)] == [0, 1]


def test_of_gives_one_metric(snapshot: Snapshot) -> None:
    snapshot.put("ups/rack", [_up(1, START), reading(names.UPS_CHARGE, 0.9, START, ups="rack")])
    assert [one.value for one in snapshot.of(names.UPS_CHARGE)] == [0.9]


def test_an_age_is_never_negative(snapshot: Snapshot, clock: Clock) -> None:
    one = _up(1, START)
    clock.move(5)
    assert snapshot.age_seconds(one) == 5
    clock.move(-60)
    assert snapshot.age_seconds(one) == 0


def test_a_clock_that_goes_back_an_hour_does_not_keep_the_dead_alive(snapshot: Snapshot, clock: Clock) -> None:
    snapshot.put("ups/rack", [_up(1, START)])
    clock.move(-3600)  # the UPS dies as the clock is set: no tick replaces this one
    clock.move(2 * names.UPS_UP.max_age_seconds)
    assert snapshot.live() == []


def test_a_reader_keeps_what_it_took_while_a_writer_replaces(snapshot: Snapshot) -> None:
    snapshot.put("ups/rack", [_up(0, START)])
    taken = snapshot.live()
    snapshot.put("ups/rack", [_up(1, START)])
    assert [one.value for one in taken] == [0]
