"""A month of tests and probes under power cuts: the line never carries more than the budget and one test.

The real decisions with their real files, and a pretended line; a power cut is whatever was in memory gone, and
the next start from what is on disk.
"""

import asyncio
import random
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from collectors.internet import Config, ThroughputConfig
from collectors.internet.budget import Budget
from collectors.internet.engines import Direction, Measured, Request, Result, empty
from collectors.internet.history import History
from collectors.internet.throughput import Throughput
from collectors.internet.traffic import Traffic

STEP = timedelta(minutes=20)
START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 31
TAIL = 1_500_000
"""What is still on the way, in each direction, when the engine stops at its cap."""
SECONDS = {"quick": (0.5, 2.5), "sustained": (3.0, 9.0)}


class PowerCut(Exception):
    """Everything that is not on disk is gone."""


class Case(Struct, frozen=True):
    """bytes per second of the line, `up` a fifth of it; MB of the budget and of a test's cap; share of looks cut."""

    line: float
    monthly: int
    most: int
    probes: float = 0.0
    cut: float = 0.0
    contract: float = 1.0
    """Promised, of what the line does."""


class Gateway:
    """One uplink's month. `truth` is what the line carried; `asked` the tests, by their class."""

    def __init__(self, folder: Path, case: Case, chance: random.Random) -> None:
        self._folder, self._case, self._chance = folder, case, chance
        self._site = f"site-{chance.random()}"
        self.now = START
        self.truth = 0.0
        self.asked: list[tuple[datetime, Request]] = []
        self.stops: Counter[str] = Counter()
        self.cuts = 0
        self._start()

    def _start(self) -> None:
        case = self._case
        promised = round(8 * case.line * case.contract)
        config = Config(
            interface="none-such",
            throughput=ThroughputConfig(
                "http://192.0.2.9", monthly_megabytes=case.monthly, max_megabytes=case.most,
                hold_after_start_seconds=0, contract_down_bits_per_second=promised,
                contract_up_bits_per_second=promised // 5,
            ),
        )  # fmt: skip
        self.budget = Budget(self._folder / "budget.json", case.monthly * 10**6)
        self.history = History(self._folder / "tests.json")
        self._throughput = Throughput(
            config, self.budget, self.history, self._site, asyncio.Event(), clean=lambda: True,
            traffic=Traffic("none-such"), measure=self._measure,
        )  # fmt: skip
        self._throughput.agenda.probe_bytes_per_second = case.probes

    async def month(self) -> None:
        """Look after look: probes, perhaps a test, perhaps a power cut in the middle of either."""
        while self.now < START + timedelta(days=DAYS):
            probes = self._case.probes * STEP.total_seconds()
            self.truth += probes
            try:
                self._perhaps_cut(self._case.cut)  # then these probes are in no book but the one ahead
                self.budget.spend(self.now, up=round(probes), probe=True)
                self._throughput.start_if_due(self.now)
                if self._throughput.task is not None:
                    await self._throughput.task
            except PowerCut:
                self.cuts += 1
                self._start()
            self.budget.save(ahead=probes)
            self.now += STEP

    def _perhaps_cut(self, chance: float) -> None:
        if self._chance.random() < chance:
            raise PowerCut

    async def _measure(self, request: Request) -> Result:
        self.asked.append((self.now, request))
        result = empty(request)
        for way in request.directions:
            found = self._carried(request, way)
            part = self._chance.random()
            self.truth += part * found.wire_bytes
            self._perhaps_cut(5 * self._case.cut)
            self.truth += (1 - part) * found.wire_bytes
            setattr(result, way, found)
            result.spent_bytes[way] = found.wire_bytes
            self.stops[found.stop] += 1
        return result

    def _carried(self, request: Request, way: Direction) -> Measured:
        rate = self._case.line * (1 if way == "down" else 0.2) * self._chance.uniform(0.9, 1.1)
        seconds = self._chance.uniform(*SECONDS[request.test_class])
        cost = min(round(rate * seconds), request.max_bytes + TAIL)
        stop = "cap" if cost > request.max_bytes else "converged"
        return Measured(rate, rate, converged=stop != "cap", stop=stop, seconds=seconds, wire_bytes=cost)


def month(folder: Path, case: Case, seed: int = 1) -> Gateway:
    gateway = Gateway(folder, case, random.Random(seed))
    asyncio.run(gateway.month())
    return gateway


@settings(max_examples=12)
@given(
    st.builds(
        Case,
        line=st.sampled_from([1e6, 6e6, 60e6]), monthly=st.sampled_from([50, 100, 300, 1500, 5000]),
        most=st.sampled_from([2, 10, 60]), probes=st.sampled_from([0.0, 10.0, 19.0]),
        cut=st.sampled_from([0.0, 0.01, 0.1]), contract=st.sampled_from([1.0, 2.0]),
    ),
    st.integers(0, 2**32),
)  # fmt: skip
def test_a_month_never_costs_more_than_its_budget_and_one_test(tmp_path: Path, case: Case, seed: int) -> None:
    gateway = month(Path(tempfile.mkdtemp(dir=tmp_path)), case, seed)
    assert gateway.truth <= case.monthly * 1e6 + 2 * (case.most * 1e6 + TAIL)
    if case.most * 10 <= case.monthly and not case.cut:
        assert gateway.asked, "and it is not kept by never testing"


def test_a_month_with_power_cuts_has_all_kinds_of_tests_and_keeps_its_budget(tmp_path: Path) -> None:
    """A poor line, so that results are confirmed: a pair a day at first, and one more test after each poor one."""
    gateway = month(tmp_path, Case(line=1e6, monthly=1500, most=10, probes=19.0, cut=0.01, contract=2.0))
    classes = Counter(request.test_class for _, request in gateway.asked)
    assert gateway.cuts > 5
    assert classes["sustained"] >= 8
    assert classes["quick"] > 60, "with the confirmations"
    assert gateway.truth <= 1500e6


@pytest.mark.parametrize(("monthly", "least"), [(5000, 3), (1500, 1)])
def test_a_month_of_a_fast_line_has_full_length_tests_off_peak_as_its_budget_goes(
    tmp_path: Path, monthly: int, least: int
) -> None:
    gateway = month(tmp_path, Case(line=50e6, monthly=monthly, most=60, probes=100.0))
    full = [(at, request) for at, request in gateway.asked if request.max_bytes > 60 * 10**6]
    assert {(request.test_class, request.directions) for _, request in full} == {("sustained", ("down",))}
    whole = [at.astimezone() for at, _ in full]
    usual = [at.astimezone() for at, request in gateway.asked if request.max_bytes == 60 * 10**6]
    assert least <= len(whole) <= 4
    assert {at.hour for at in whole} <= {7, 8}, "it opens at 9"
    assert all(later - earlier >= timedelta(days=6.9) for earlier, later in pairwise(whole))
    assert len(usual) >= 5, "and they do not eat up the usual ones"
    assert gateway.truth <= monthly * 1e6


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
