"""When a site tests its line: its own moment in each slot, once, spread over the fleet."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.internet import ThroughputConfig
from collectors.internet.schedule import boot_hold_seconds, due, moment

KARACHI = timezone(timedelta(hours=5))
DAY = datetime(2026, 3, 2, 12, 0, tzinfo=KARACHI)
YESTERDAY = DAY - timedelta(days=1)
HOURS = st.integers(0, 18).flatmap(lambda opens: st.tuples(st.just(opens), st.integers(opens + 1, 24)))
SITES = st.text(max_size=40)
FLEET = [f"gateway-{number}/wan" for number in range(1000)]


@given(SITES, HOURS, st.integers(1, 48), st.integers(0, 400))
def test_a_moment_lies_in_its_slot_within_the_opening_hours(
    site: str, hours: tuple[int, int], slots: int, days: int
) -> None:
    opens, closes = hours
    day = DAY + timedelta(days=days)
    midnight = day.replace(hour=0, minute=0)
    length = timedelta(hours=closes - opens) / slots
    for slot in range(slots):
        at = moment(site, day, slot, slots, opens, closes)
        begins = midnight + timedelta(hours=opens) + slot * length
        assert begins <= at <= begins + length
        assert at.tzinfo is KARACHI


@pytest.mark.parametrize("slot", [0, 3])
@pytest.mark.parametrize("days", [0, 1, 200])
def test_a_thousand_sites_spread_evenly_over_a_slot(slot: int, days: int) -> None:
    """No tenth of the slot holds much more than a tenth of the sites, and no two days look alike."""
    day = DAY + timedelta(days=days)
    begins = day.replace(hour=9, minute=0) + slot * timedelta(hours=3)
    shares = [(moment(site, day, slot, 4, 9, 21) - begins) / timedelta(hours=3) for site in FLEET]
    tenths = [sum(int(share * 10) == tenth for share in shares) for tenth in range(10)]
    assert min(tenths) > 60
    assert max(tenths) < 140
    before = [moment(site, day - timedelta(days=1), slot, 4, 9, 21) + timedelta(days=1) for site in FLEET]
    moved = sum(
        abs(moment(site, day, slot, 4, 9, 21) - then) > timedelta(minutes=10)
        for site, then in zip(FLEET, before, strict=True)
    )
    assert moved > 800


@given(SITES, st.integers(1, 12), st.integers(0, 11))
def test_a_site_that_is_always_on_tests_once_at_each_of_its_moments(site: str, slots: int, opens: int) -> None:
    """It looks every 5 minutes; what came since the last look is one test."""
    step, closes, tests = timedelta(minutes=5), opens + 12, []
    midnight = DAY.replace(hour=0, minute=0)
    last = YESTERDAY
    for look in range(24 * 12):
        now = midnight + look * step
        if due(site, now, last, slots, opens, closes):
            tests.append(now)
            last = now
    moments = [moment(site, DAY, slot, slots, opens, closes) for slot in range(slots)]
    assert tests == sorted({midnight - (midnight - at) // step * step for at in moments})


def test_a_test_that_was_made_is_not_made_again() -> None:
    at = moment("site", DAY, 1, 4, 9, 21)
    assert due("site", at, at - timedelta(hours=2), 4, 9, 21)
    assert not due("site", at + timedelta(minutes=5), at, 4, 9, 21)
    assert not due("site", at + timedelta(minutes=5), at + timedelta(minutes=1), 4, 9, 21)


def test_a_slot_that_was_missed_by_its_own_length_is_let_go() -> None:
    at = moment("site", DAY, 3, 4, 9, 21)
    assert due("site", at + timedelta(hours=3, seconds=-1), YESTERDAY, 4, 9, 21)
    assert not due("site", at + timedelta(hours=3), YESTERDAY, 4, 9, 21)


def test_a_site_that_was_off_for_two_slots_makes_one_test_not_two() -> None:
    at = moment("site", DAY, 2, 4, 9, 21)
    assert due("site", at, YESTERDAY, 4, 9, 21)
    assert not due("site", at + timedelta(seconds=30), at, 4, 9, 21)


def test_before_the_first_moment_of_the_day_nothing_is_due() -> None:
    first = moment("site", DAY, 0, 4, 9, 21)
    assert not due("site", first - timedelta(seconds=1), YESTERDAY, 4, 9, 21)


@pytest.mark.parametrize(("hour", "expected"), [(8, False), (9, True), (20, True), (21, False), (23, False)])
def test_a_site_that_was_never_tested_is_due_within_its_hours(hour: int, expected: bool) -> None:
    assert due("site", DAY.replace(hour=hour, minute=30), None, 4, 9, 21) is expected


def test_a_last_test_in_the_future_does_not_end_all_testing() -> None:
    """The clock ran ahead at that test and has been set since."""
    at = moment("site", DAY, 1, 4, 9, 21)
    assert due("site", at, at + timedelta(days=3650), 4, 9, 21)


@given(SITES, st.floats(0, 86_400))
def test_the_hold_after_a_start_is_the_sites_own_and_below_the_most(site: str, most: float) -> None:
    assert 0 <= boot_hold_seconds(site, most) <= most
    assert boot_hold_seconds(site, most) == boot_hold_seconds(site, most)


def test_a_district_whose_power_returns_does_not_test_together() -> None:
    holds = sorted(boot_hold_seconds(site) for site in FLEET)
    assert max(sum(start <= hold < start + 60 for hold in holds) for start in range(0, 3600, 60)) < 40


@pytest.mark.parametrize(("opens", "closes"), [(21, 9), (9, 9)])
def test_hours_in_which_nothing_could_ever_be_tested_are_refused(opens: int, closes: int) -> None:
    with pytest.raises(ValueError, match="closes_hour"):
        ThroughputConfig("http://192.0.2.1/", opens_hour=opens, closes_hour=closes)
