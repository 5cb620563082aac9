"""The full-length test: for whom, when, for how much, and what it leaves behind."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.internet import Config, ThroughputConfig
from collectors.internet.agenda import Agenda, Wish
from collectors.internet.budget import Budget
from collectors.internet.decide import WAIT, Line, Money, Past, Plan
from collectors.internet.engines import Measured, Request, Result, empty
from collectors.internet.full import Full, decide_full, full_length
from collectors.internet.history import History
from collectors.internet.schedule import quiet
from collectors.internet.throughput import Throughput
from collectors.internet.traffic import Traffic
from telemetry import catalogue as names
from telemetry.metric import Metric
from telemetry.reading import Reading
from tests.unit.internet import servers

KARACHI = timezone(timedelta(hours=5))
DAWN = datetime(2026, 3, 9, 8, 30, tzinfo=KARACHI)  # opens at 9
WEEK = timedelta(days=7)
MEGABYTE = 10**6
PLAN = Plan("site", 4, 9, 21, 60 * MEGABYTE, {"down": 62_500_000.0, "up": 12_500_000.0})
LAST = Past(DAWN - timedelta(hours=12))


def full(age: timedelta = WEEK, **changed: object) -> Full:
    usual = Full(("down",), 250e6, 7, (DAWN - age).timestamp())
    return msgspec.structs.replace(usual, **changed)


def test_its_price_is_what_it_cost_lately_else_of_the_rate_that_is_known_at_least() -> None:
    known = full_length(("down",), {}, {"down": 62.5e6}, 1e9, 0.0)
    learnt = full_length(("down",), {"down": 190e6}, {"down": 62.5e6}, 1e9, 0.0)
    assert known is not None
    assert learnt is not None
    assert known.price == pytest.approx(1.25 * 3.5 * 62.5e6)
    assert learnt.price == 1.25 * 190e6


@pytest.mark.parametrize(("daily", "days"), [(100e6, 7), (58e6, 7), (40e6, 14), (20e6, 28), (9e6, None), (-5e6, None)])
def test_it_is_made_rarer_never_cheaper_and_takes_half_of_the_money_at_most(daily: float, days: int | None) -> None:
    found = full_length(("down",), {"down": 160e6}, {}, daily, 0.0)
    assert (found and found.days) == days
    assert found is None or (found.price == 200e6 and found.daily <= daily / 2)


def test_a_line_that_never_ends_at_its_cap_or_of_which_nothing_is_known_has_none() -> None:
    assert full_length((), {"down": 190e6}, {"down": 62.5e6}, 1e9, 0.0) is None
    assert full_length(("down",), {}, {}, 1e9, 0.0) is None


def test_its_price_is_put_aside_day_by_day() -> None:
    week = full(timedelta(0))
    assert [round(week.aside(DAWN + part * WEEK) / 1e6) for part in (0, 0.5, 1, 3, -1)] == [0, 125, 250, 250, 0]


def test_it_runs_when_it_is_due_paid_unproven_and_the_line_is_idle() -> None:
    rich, idle = Money(300e6, 1e9), Line()
    decision = decide_full(full(), PLAN, rich, idle, LAST, DAWN)
    assert (decision.action, decision.kind, decision.directions) == ("run", "full", ("down",))
    assert decision.full_bytes == 300 * MEGABYTE, "never more than there is"
    assert decide_full(full(), PLAN, Money(9e9, 1e9), idle, LAST, DAWN).full_bytes == 500 * MEGABYTE
    assert decide_full(full(), PLAN, Money(249e6, 1e9), idle, LAST, DAWN) == WAIT
    assert decide_full(full(0.9 * WEEK), PLAN, rich, idle, LAST, DAWN) == WAIT
    assert decide_full(full(), PLAN, rich, Line(best={"down": 60e6}), LAST, DAWN) == WAIT
    assert decide_full(full(), PLAN, rich, Line(now={"down": 40e6}), LAST, DAWN) == WAIT
    assert decide_full(full(), PLAN, rich, idle, LAST, DAWN.replace(hour=14)) == WAIT


def test_one_that_has_just_failed_waits_for_the_next_day() -> None:
    rich = Money(300e6, 1e9)
    again = Past(DAWN)
    assert decide_full(full(), PLAN, rich, Line(), again, DAWN + timedelta(minutes=5)) == WAIT
    assert decide_full(full(), PLAN, rich, Line(), again, DAWN + timedelta(days=1)).action == "run"


def test_a_gateway_that_is_off_till_the_opening_makes_it_after_that_when_it_is_three_days_late() -> None:
    opened = DAWN.replace(hour=10, minute=30)
    assert decide_full(full(), PLAN, Money(300e6, 1e9), Line(), LAST, opened) == WAIT
    late = full(timedelta(days=10, hours=3))
    assert decide_full(late, PLAN, Money(300e6, 1e9), Line(), LAST, opened).action == "run"


@given(st.text(max_size=20), st.integers(0, 20), st.integers(0, 400), st.booleans())
def test_its_moment_is_the_sites_own_once_a_day_in_two_hours(site: str, opens: int, days: int, late: bool) -> None:
    midnight = DAWN.replace(hour=0, minute=0) + timedelta(days=days)
    looks = [midnight + minutes * timedelta(minutes=1) for minutes in range(24 * 60)]
    due = [at for at in looks if quiet(site, at, midnight - timedelta(hours=3), opens, late=late)]
    begins = opens if late else opens - 2 if opens >= 2 else 3
    assert due
    assert midnight + timedelta(hours=begins) <= due[0] <= midnight + timedelta(hours=begins + 1, minutes=1)
    assert due[-1] < midnight + timedelta(hours=begins + 2)
    assert not quiet(site, due[-1], due[0], opens, late=late), "once"


def ended(stop: str, *, up: str = "") -> Result:
    one = Measured(30e6, 30e6, converged=stop != "cap", stop=stop, seconds=1.0, wire_bytes=1)
    other = msgspec.structs.replace(one, stop=up) if up else None
    return msgspec.structs.replace(empty(Request("http://speed.example.org")), down=one, up=other)


def test_a_direction_is_capped_while_its_last_usual_test_ended_there(tmp_path: Path) -> None:
    history, seen = History(tmp_path / "tests.json"), []
    for result in (ended("cap", up="cap"), ended("cap", up="converged"), ended("cap"), ended("sufficient")):
        history.looked(result)
        seen.append(history.lessons.capped)
    history.looked(empty(Request("http://speed.example.org")))  # it failed, which says nothing
    assert [*seen, history.lessons.capped] == [("down", "up"), ("down",), ("down",), (), ()]
    history.looked(ended("cap"))
    history.save()
    assert History(tmp_path / "tests.json").lessons.capped == ("down",)


def test_saving_begins_with_the_first_test_and_again_with_each_full_one(tmp_path: Path) -> None:
    history = History(tmp_path / "tests.json")
    assert history.full_since(DAWN) == DAWN.timestamp(), "nothing is known yet"
    history.tested(DAWN, confirming=False, poor=False, share=0.5)
    assert history.full_since(DAWN + WEEK) == DAWN.timestamp()
    history.looked_fully(DAWN + WEEK, empty(Request("http://speed.example.org")))
    assert history.full_since(DAWN + WEEK) == DAWN.timestamp(), "one that failed was none"
    history.looked_fully(DAWN + WEEK, ended("time"))
    assert history.full_since(DAWN + 2 * WEEK) == (DAWN + WEEK).timestamp()
    assert history.full_since(DAWN) == DAWN.timestamp(), "the clock had run ahead"


def agenda(folder: Path, *, monthly: int = 20_000, metered: bool = False) -> tuple[Agenda, Budget]:
    throughput = ThroughputConfig(
        "http://192.0.2.9", contract_down_bits_per_second=500_000_000, contract_up_bits_per_second=50_000_000
    )
    budget = Budget(folder / "budget.json", monthly * MEGABYTE)
    config = Config(interface="none-such", throughput=throughput, metered=metered)
    return Agenda(config, budget, "site", Traffic("none-such")), budget


def test_what_is_put_aside_is_not_for_usual_tests_and_all_of_it_is_written_down_before(tmp_path: Path) -> None:
    planner, budget = agenda(tmp_path)
    dawn = DAWN.astimezone().replace(hour=8, minute=30)  # the agenda goes by local time
    budget.spent.last_test = (dawn - timedelta(hours=12)).timestamp()
    wish = Wish(capped=("down",), full_since=(dawn - WEEK).timestamp())
    assert planner.decide(dawn, wish).kind == "full"
    paired = msgspec.structs.replace(wish, kind="pair")
    assert planner.decide(dawn, paired).kind == "full", "a pair that is due as well waits for its own moment"
    budget.spend(dawn, down=2600 * MEGABYTE)  # of the purse of 2667; by three o'clock it holds 246 again
    afternoon = dawn.replace(hour=14, minute=59)
    assert planner.decide(afternoon, Wish()).action == "run"
    assert planner.decide(afternoon, wish).reason == "postponed_budget"
    budget.spent.last_test = (dawn - timedelta(hours=12)).timestamp()
    decision = planner.decide(dawn + timedelta(days=1), wish)
    assert decision.kind == "full"
    assert planner.begin(dawn, decision)
    assert budget.spent.reserved_down == decision.full_bytes > 273 * MEGABYTE
    assert budget.spent.reserved_up == 0


def test_where_each_byte_is_paid_for_there_is_none(tmp_path: Path) -> None:
    planner, budget = agenda(tmp_path, metered=True)
    dawn = DAWN.astimezone().replace(hour=8, minute=30)
    budget.spent.last_test = (dawn - timedelta(hours=12)).timestamp()
    assert planner.decide(dawn, Wish(capped=("down",), full_since=(dawn - WEEK).timestamp())) == WAIT


def of(readings: list[Reading], metric: Metric) -> dict[tuple[str, ...], float]:
    return {one.series.labels[1:]: one.value for one in readings if one.metric is metric}


def test_a_line_that_ends_at_its_cap_is_measured_in_full_a_week_later(tmp_path: Path) -> None:
    """Against the demo's far end of 20 Mbit/s, by the real engine; a cap of 1 MB is 0.4 s of it."""
    dawn = datetime.now(UTC).astimezone().replace(hour=8, minute=30)

    async def story() -> tuple[History, Budget, list[Reading], list[Reading]]:
        async with servers.far_end() as port:
            settings = ThroughputConfig(
                f"http://127.0.0.1:{port}", max_megabytes=1, contract_down_bits_per_second=20_000_000,
                contract_up_bits_per_second=20_000_000, hold_after_start_seconds=0,
            )  # fmt: skip
            budget, history = Budget(tmp_path / "budget.json", 1500 * MEGABYTE), History(tmp_path / "tests.json")
            history.lessons.first_test = (dawn - 1.1 * WEEK).timestamp()
            history.lessons.last_pair = (dawn - timedelta(days=1)).timestamp()
            line = Throughput(
                Config(interface="lo", throughput=settings), budget, history, "site", asyncio.Event(),
                clean=lambda: True,
            )  # fmt: skip
            told = []
            for at in (dawn - timedelta(hours=16), dawn):
                line.start_if_due(at)
                assert line.task is not None
                await line.task
                told.append(list(line.readings(at)))
            return history, budget, *told

    history, budget, usual, whole = asyncio.run(story())
    assert history.lessons.capped, "the usual one ended at its cap"
    capped = history.lessons.capped
    assert {way: of(usual, names.NET_CAPPED)[way,] for way in capped} == dict.fromkeys(capped, 1)
    assert {row[0] for row, value in of(usual, names.NET_THROUGHPUT_CLASS).items() if value} == {"quick"}
    assert of(whole, names.NET_CAPPED) == {(way,): 0 for way in capped}
    assert {row[0] for row, value in of(whole, names.NET_THROUGHPUT_CLASS).items() if value} == {"sustained"}
    assert history.lessons.last_full == pytest.approx(dawn.timestamp(), abs=60)
    assert all((budget.test_cost(way, "full") or 0) > 2 * MEGABYTE for way in capped)
