"""A month of tests and probes under power cuts: the line never carries more than the budget and one test.

The real budget with its real file, and the real decisions; a power cut is a Budget that was never closed.
"""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.internet.budget import DAYS_A_MONTH, Budget, seconds_left_in_month
from collectors.internet.decide import DIRECTIONS, Line, Money, Past, Plan, decide, needed

STEP = timedelta(minutes=30)
START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 31
TAIL = 3_000_000
"""What is still on the way when the engine stops at its cap."""


class Gateway:
    """One uplink's month. `truth` is what the line carried."""

    def __init__(self, file: Path, monthly: int, most: int, probes: float, chance: random.Random) -> None:
        self._file, self._monthly, self._probes, self._chance = file, monthly, probes, chance
        self._plan = Plan(f"site-{chance.random()}", 4, 0, 24, most)
        self.budget = Budget(file, monthly)
        self.truth = 0.0
        self.tests = 0

    def step(self, now: datetime, cut: float) -> None:
        """Half an hour: probes, perhaps a test, perhaps a power cut in the middle of either."""
        probes = self._probes * STEP.total_seconds()
        self.truth += probes
        if self._chance.random() < cut:
            self.budget = Budget(self._file, self._monthly)  # these probes are in no book but the one ahead
        self.budget.spend(now, up=round(probes), probe=True)
        decision = decide(self._plan, self._money(now), Line(), self._past(), now)
        if decision.action == "skip":
            self.budget.count(decision.reason, now, success=False)
        if decision.action == "run":
            self._test(now, cut)
        self.budget.save(ahead=probes)

    def _test(self, now: datetime, cut: float) -> None:
        most = self._plan.max_bytes
        assert self.budget.reserve(now, down=most, up=most)
        down, up = (self._chance.choice((most // 50, most // 3, most + TAIL // 2)) for _ in DIRECTIONS)
        self.truth += down + up
        self.tests += 1
        if self._chance.random() < cut * 5:
            self.budget = Budget(self._file, self._monthly)
            return
        self.budget.settle(now, down=down, up=up)
        self.budget.count("converged", now, success=True)

    def _past(self) -> Past:
        last = self.budget.spent.last_test
        return Past(datetime.fromtimestamp(last, UTC) if last else None)

    def _money(self, now: datetime) -> Money:
        costs = {way: self.budget.spent.test_cost[way] for way in DIRECTIONS if way in self.budget.spent.test_cost}
        one = needed(self._plan, Money(0, 0, costs))
        available = self.budget.available(now, one_test=one, probes_to_come=self._probes * seconds_left_in_month(now))
        return Money(available, self._monthly / DAYS_A_MONTH - 86400 * self._probes, costs)


@settings(max_examples=15)
@given(
    st.sampled_from([50, 100, 300, 1500, 5000]),
    st.sampled_from([2, 10, 60]),
    st.sampled_from([0.0, 10.0, 19.0]),
    st.sampled_from([0.0, 0.01, 0.1]),
    st.integers(0, 2**32),
)
def test_a_month_never_costs_more_than_its_budget_and_one_test(
    tmp_path: Path, monthly: int, most: int, probes: float, cut: float, seed: int
) -> None:
    file = tmp_path / f"{seed}-{monthly}-{most}-{probes}-{cut}.json"
    gateway = Gateway(file, monthly * 10**6, most * 10**6, probes, random.Random(seed))
    for number in range(DAYS * 48):
        gateway.step(START + number * STEP, cut)
    assert gateway.truth <= monthly * 1e6 + 2 * most * 1e6 + TAIL
    if most * 10 <= monthly and cut == 0:
        assert gateway.tests > 0, "and it is not kept by never testing"


def test_a_power_cut_in_the_middle_of_a_test_makes_it_cost_all_that_it_might_have(tmp_path: Path) -> None:
    file = tmp_path / "budget.json"
    budget = Budget(file, 10**9)
    assert budget.reserve(START, down=60_000_000, up=50_000_000)
    assert budget.remaining(START) == 10**9 - 110_000_000
    again = Budget(file, 10**9)
    assert again.remaining(START) == 10**9 - 110_000_000
    assert (again.spent.total_down, again.spent.total_up) == (60_000_000, 50_000_000)
    again.settle(START, down=1, up=1)
    assert again.remaining(START) == 10**9 - 110_000_002, "what was charged stays charged"


def test_a_test_that_ends_costs_what_it_did_and_the_counters_never_fall(tmp_path: Path) -> None:
    budget = Budget(tmp_path / "budget.json", 10**9)
    budget.reserve(START, down=60_000_000, up=60_000_000)
    assert budget.spent.total_down == 0
    budget.settle(START, down=5_000_000, up=1_000_000)
    assert budget.remaining(START) == 10**9 - 6_000_000
    assert (budget.spent.total_down, budget.spent.test_cost) == (5_000_000, {"down": 5e6, "up": 1e6})


def test_a_disk_that_takes_nothing_means_no_test(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the directory should be")
    budget = Budget(tmp_path / "state/budget.json", 10**9)
    left = budget.remaining(START)
    assert not budget.reserve(START, down=1, up=1)
    assert budget.remaining(START) == left


def test_the_purse_carries_three_days_over_and_no_more(tmp_path: Path) -> None:
    budget = Budget(tmp_path / "budget.json", 300)
    assert budget.available(START, one_test=0) == 40
    budget.spend(START, down=40)
    for days, there in ((0, 0), (1, 10), (3, 30), (9, 40)):
        assert budget.available(START + timedelta(days=days), one_test=0) == there


def test_a_purse_too_small_for_one_test_saves_for_longer(tmp_path: Path) -> None:
    budget = Budget(tmp_path / "budget.json", 300)
    assert budget.available(START, one_test=70) == 70
    budget.spend(START, down=70)
    assert budget.available(START + timedelta(days=6), one_test=70) == 60
    assert budget.available(START + timedelta(days=20), one_test=70) == 70


def test_a_clock_that_goes_back_and_forth_fills_no_more_than_the_purse(tmp_path: Path) -> None:
    budget = Budget(tmp_path / "budget.json", 300)
    budget.available(START, one_test=0)
    budget.spend(START, down=40)
    for _ in range(20):
        budget.available(START - timedelta(days=2), one_test=0)
        assert budget.available(START, one_test=0) <= 40
    assert budget.available(datetime(1970, 1, 1, tzinfo=UTC), one_test=0) <= 40


def test_what_the_probes_will_still_cost_is_not_for_tests(tmp_path: Path) -> None:
    budget = Budget(tmp_path / "budget.json", 300)
    assert budget.available(START, one_test=0, probes_to_come=280) == 20
    assert budget.available(START, one_test=0, probes_to_come=400) == 0
