"""Whether to test now: the order of the questions, and that a test is made rarer, never cheaper."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.internet.decide import (
    MOST_DEFERRALS,
    WAIT,
    Decision,
    Line,
    Money,
    Past,
    Plan,
    decide,
    expected_cost,
    needed,
)
from collectors.internet.schedule import Frequency, affordable, deferral, due

KARACHI = timezone(timedelta(hours=5))
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=KARACHI)
PLAN = Plan("site", 4, 9, 21, 60_000_000, {"down": 2_500_000.0, "up": 625_000.0})
RICH = Money(1e9, 1e9)
FRESH = Past()
IDLE = Line(now={"down": 0.0, "up": 0.0})


def now(money: Money = RICH, line: Line = IDLE, past: Past = FRESH, at: datetime = NOON) -> Decision:
    return decide(PLAN, money, line, past, at)


def test_an_idle_line_and_enough_money_is_a_test_of_both_directions() -> None:
    assert now() == Decision("run", directions=("down", "up"))


def test_before_the_clock_is_set_nothing_is_tested() -> None:
    assert now(at=NOON.replace(year=1970)) == WAIT


def test_traffic_that_proves_the_contract_saves_the_test() -> None:
    assert now(line=Line(best={"down": 2_250_000.0, "up": 562_500.0})).reason == "skipped_passive_ok"
    assert now(line=Line(best={"down": 2_249_999.0, "up": 562_500.0})).directions == ("down",)
    assert now(line=Line(best={"down": 9e9, "up": 1.0})).directions == ("up",), "only what is not proven is tested"


def test_without_a_contract_traffic_proves_nothing() -> None:
    plan = Plan("site", 4, 9, 21, 60_000_000)
    assert decide(plan, RICH, Line(best={"down": 9e9, "up": 9e9}), Past(), NOON).directions == ("down", "up")


def test_a_test_that_the_money_would_cut_short_is_not_begun() -> None:
    least = needed(PLAN, RICH)
    assert now(Money(least, 1e9)).action == "run"
    assert now(Money(least - 1, 1e9)) == Decision("skip", "postponed_budget")


def test_what_a_test_costs_is_known_from_the_last_ones_else_from_the_contract_else_it_is_the_most() -> None:
    assert expected_cost(PLAN, Money(0, 0, {"down": 3e6}), "down") == 3e6
    assert expected_cost(PLAN, Money(0, 0), "up") == 625_000 * 2.5
    assert expected_cost(Plan("site", 4, 9, 21, 60_000_000), Money(0, 0), "up") == 60_000_000
    assert needed(PLAN, Money(0, 0, {"down": 59e6, "up": 59e6})) == 120e6, "a test never costs more than its caps"


def test_a_busy_line_is_left_alone_three_times_then_tested_and_flagged() -> None:
    busy = Line(now={"down": 1_300_000.0, "up": 0.0})
    for number in range(MOST_DEFERRALS):
        put_off = now(line=busy, past=Past(deferrals=number))
        assert (put_off.action, put_off.reason) == ("defer", "postponed_busy")
        assert put_off.until is not None
        assert timedelta(minutes=2) <= put_off.until - NOON <= timedelta(minutes=15)
    assert now(line=busy, past=Past(deferrals=MOST_DEFERRALS)) == Decision("run", directions=("down", "up"), busy=True)


def test_busy_is_more_than_half_of_what_the_line_last_gave() -> None:
    assert now(line=Line(now={"down": 1_300_000.0}, capacity={"down": 2_700_000.0})).action == "run"
    assert now(line=Line(now={"down": 1_300_000.0}, capacity={"down": 2_500_000.0})).action == "defer"
    assert now(line=Line(now={"up": 400_000.0})).action == "defer", "without a test yet, of the contract"


def test_a_deferred_test_waits_for_its_moment() -> None:
    past = Past(deferrals=1, deferred_until=NOON + timedelta(minutes=5))
    assert now(past=past) == WAIT
    assert now(past=past, at=NOON + timedelta(minutes=5)).action == "run"


@pytest.mark.parametrize(
    ("daily", "often"),
    [
        (40, Frequency(4)),
        (39, Frequency(2)),
        (20, Frequency(2)),
        (19, Frequency(1)),
        (9, Frequency(1, 3)),
        (-1, Frequency(1, 3)),
    ],
)
def test_frequency_falls_with_the_money(daily: float, often: Frequency) -> None:
    assert affordable(4, 10, daily) == often


def test_a_plan_of_one_test_a_day_is_never_made_more() -> None:
    assert affordable(1, 10, 1e9) == Frequency(1)


@given(st.text(max_size=20), st.integers(0, 400))
def test_each_third_day_is_the_sites_own_and_comes_each_three_days(site: str, start: int) -> None:
    evening = NOON.replace(hour=23) + timedelta(days=start)
    days = [
        any(due(site, evening + timedelta(days=day, hours=-hour), evening - timedelta(days=9), 1, 9, 21, days=3)
            for hour in range(15))
        for day in range(6)
    ]  # fmt: skip
    assert days[:3] == days[3:]
    assert sum(days[:3]) == 1


@given(st.text(max_size=20), st.datetimes(), st.integers(0, 9))
def test_a_deferral_lasts_two_to_fifteen_minutes(site: str, at: datetime, number: int) -> None:
    assert timedelta(minutes=2) <= deferral(site, at, number) <= timedelta(minutes=15)
