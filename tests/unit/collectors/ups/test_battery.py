"""What discharges tell of a battery; without evidence nothing, and a bad one is told in time."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.ups.battery import PEUKERT, Battery, Discharge, Running, months_to_summer

JUNE = datetime(2025, 6, 1, tzinfo=UTC)
FULL_SECONDS, AT_LOAD = 3600.0, 0.4


def _battery(months: float, fade: float, *, noise: float = 0.0, a_day: int = 2) -> tuple[Battery, datetime]:
    """A battery that gives an hour at 40 % and loses `fade` of it each month, cut twice a day."""
    luck = random.Random(3)
    battery, at = Battery(), JUNE
    for number in range(int(months * 30 * a_day)):
        at = JUNE + timedelta(days=number / a_day)
        left = 1 - fade * number / (30 * a_day)
        load, drop = luck.uniform(0.25, 0.5), luck.choice([0.1, 0.2, 0.3, 0.5])
        capacity = FULL_SECONDS * AT_LOAD**PEUKERT * left * luck.gauss(1, noise)
        battery.add(Discharge(at.timestamp(), capacity * drop / load**PEUKERT, drop, load))
    return battery, at


def test_a_battery_without_discharges_claims_nothing() -> None:
    none = Battery()
    assert none.runtime_seconds(0.4) is none.health_ratio() is none.trend_per_month() is None
    assert none.replace_before_summer(JUNE) is None
    assert none.evidence(JUNE, 0.4)["discharges"] == 0


def test_one_shallow_discharge_is_no_evidence_and_a_deep_one_is() -> None:
    shallow, deep = Battery(), Battery()
    shallow.add(Discharge(0, 360, 0.1, 0.4))
    deep.add(Discharge(0, 1440, 0.4, 0.4))
    assert shallow.runtime_seconds(0.4) is None
    assert deep.runtime_seconds(0.4) == pytest.approx(3600)
    assert deep.runtime_seconds(0.2) == pytest.approx(3600 * 2**PEUKERT)  # less load, more than twice as long
    assert deep.runtime_seconds(0.1) is deep.runtime_seconds(0.9) is deep.runtime_seconds(None) is None  # never seen


@pytest.mark.parametrize("fade", [0.0, 0.02, 0.05])
def test_runtime_and_trend_are_the_batterys_own(fade: float) -> None:
    battery, _ = _battery(8, fade, noise=0.05)
    left = 1 - fade * 8
    assert battery.runtime_seconds(AT_LOAD) == pytest.approx(FULL_SECONDS * left, rel=0.1)
    trend = battery.trend_per_month()
    assert trend == pytest.approx(-fade / (1 - fade * 4), abs=0.012)


def test_a_battery_that_fades_is_to_be_replaced_before_summer_and_a_sound_one_is_not() -> None:
    sound, then = _battery(8, 0.0, noise=0.08)
    assert sound.replace_before_summer(then) is False
    fading, then = _battery(8, 0.03, noise=0.08)
    assert fading.replace_before_summer(then) is True  # in January, with May to come
    assert fading.evidence(then, AT_LOAD)["replace_before_summer"] is True


def test_a_young_history_has_no_verdict_yet() -> None:
    battery, then = _battery(0.5, 0.0)
    assert battery.health_ratio() == pytest.approx(1.0)
    assert battery.trend_per_month() is battery.replace_before_summer(then) is None


def test_a_new_battery_begins_a_new_history() -> None:
    worn, then = _battery(8, 0.09)
    assert (worn.health_ratio() or 0) < 0.5
    for day in (1, 2):
        worn.add(Discharge((then + timedelta(days=day)).timestamp(), 1800, 0.5, AT_LOAD))
    assert len(worn.discharges) == 2
    assert worn.runtime_seconds(AT_LOAD) == pytest.approx(3600)


def test_the_history_is_bounded_and_still_covers_all_its_time() -> None:
    battery, then = _battery(24, 0.0)
    assert len(battery.discharges) <= 64
    assert battery.discharges[0].at == JUNE.timestamp()
    assert battery.discharges[-1].at == then.timestamp()
    gaps = [b.at - a.at for a, b in zip(battery.discharges, battery.discharges[1:], strict=False)]
    assert max(gaps) < 60 * 86400


def test_a_discharge_is_what_was_seen_between_its_first_and_last_charge() -> None:
    running = Running()
    for second, charge, load in ((0, 1.0, 0.4), (2, None, None), (600, 0.9, 0.5), (1200, 0.8, None), (1202, None, 0.3)):
        running.see(second, charge, load)
    assert running.end(5.0) == Discharge(5.0, 1200, 0.2, 0.4)


@pytest.mark.parametrize(
    "seen",
    [
        [],
        [(0, 1.0, 0.4)],
        [(0, 1.0, 0.4), (30, 0.9, 0.4)],  # too short
        [(0, 1.0, 0.4), (600, 0.98, 0.4)],  # too shallow
        [(0, 1.0, None), (600, 0.8, None)],  # no load told
        [(0, None, 0.4), (600, None, 0.4)],  # no charge told
        [(0, 0.8, 0.4), (600, 0.9, 0.4)],  # a charge that rises on battery is a guess
        [(0, 1.0, 0.0), (600, 0.8, 0.0)],  # nobody was there
    ],
)
def test_what_shows_nothing_is_not_kept(seen: list[tuple[float, float | None, float | None]]) -> None:
    running = Running()
    for one in seen:
        running.see(*one)
    assert running.end(5.0) is None


@pytest.mark.parametrize(
    ("day", "months"),
    [((2026, 3, 2), 2.0), ((2026, 5, 1), 0.0), ((2026, 9, 30), 0.0), ((2026, 10, 3), 7.0), ((2026, 1, 1), 4.0)],
)
def test_summer_is_may_to_september(day: tuple[int, int, int], months: float) -> None:
    assert months_to_summer(datetime(*day, tzinfo=UTC)) == pytest.approx(months, abs=0.1)


@given(
    st.lists(
        st.builds(
            Discharge,
            at=st.floats(0, 4e9),
            seconds=st.floats(60, 1e5),
            drop=st.floats(0.05, 1),
            load=st.floats(0.02, 2),
        ),
        max_size=80,
    )
)
def test_any_history_gives_figures_that_can_be_true_or_none(found: list[Discharge]) -> None:
    battery = Battery()
    for one in found:
        battery.add(one)
    health, runtime = battery.health_ratio(), battery.runtime_seconds(0.4)
    assert health is None or 0 <= health <= 1
    assert runtime is None or runtime > 0
    battery.evidence(JUNE, 0.4)
