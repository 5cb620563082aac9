"""Between the decision and the books: what a test costs, which uplink carried it, when it is put off."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.internet import Config, ThroughputConfig
from collectors.internet.agenda import ROUTE_CHANGED, Agenda, Wish
from collectors.internet.budget import Budget
from collectors.internet.decide import Decision
from collectors.internet.engines import Measured, Result
from collectors.internet.limits import verdicts
from collectors.internet.traffic import PROOF_SECONDS, Peaks, Rates, Traffic

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BOTH = Decision("run", directions=("down", "up"))
FIBRE, LTE = ("eth0", "192.0.2.1"), ("wwan0", "198.51.100.1")


class Uplink:
    """An agenda whose default route the test chooses."""

    def __init__(self, directory: Path) -> None:
        settings = ThroughputConfig(
            "http://192.0.2.9", tests_per_day=48, opens_hour=0, closes_hour=24,
            contract_down_bits_per_second=20_000_000, contract_up_bits_per_second=5_000_000,
        )  # fmt: skip
        self.file = directory / "budget.json"
        self.budget = Budget(self.file, 1500 * 10**6)
        self.traffic = Traffic("none-such")
        self.route = FIBRE
        config = Config(throughput=settings)
        self.agenda = Agenda(config, self.budget, "site", self.traffic, carried=lambda _: self.route)


def found(stop: str = "converged", **spent: int) -> Result:
    one = Measured(2_400_000.0, 2_400_000.0, converged=stop == "converged", stop=stop, seconds=1.0, wire_bytes=1)
    return Result("http", "http://192.0.2.9", "", "quick", down=one, up=one, spent_bytes=spent)


def settled(uplink: Uplink, result: Result) -> list[Result]:
    uplink.agenda.paid(NOW, "quick", result)
    return uplink.agenda.settled([result])


def test_a_result_is_kept_while_one_uplink_carried_it_all(tmp_path: Path) -> None:
    uplink = Uplink(tmp_path)
    assert uplink.agenda.begin(NOW, BOTH)
    (result,) = settled(uplink, found(down=2_000_000, up=500_000))
    assert result.down is not None
    assert result.down.line_bytes_per_second == 2_400_000.0
    assert uplink.budget.spent.capacity == {"down": 2_400_000.0, "up": 2_400_000.0}
    assert uplink.agenda.notes()["interface"] == "eth0"


@pytest.mark.parametrize("after", [LTE, ("eth0", "192.0.2.254"), ("", "")])
def test_a_result_is_discarded_when_the_route_changed_and_its_bytes_are_paid(
    tmp_path: Path, after: tuple[str, str]
) -> None:
    uplink = Uplink(tmp_path)
    assert uplink.agenda.begin(NOW, BOTH)
    uplink.route = after
    (result,) = settled(uplink, found(down=2_000_000, up=500_000))
    assert (result.down, result.up) == (None, None)
    assert result.failed == {"down": ROUTE_CHANGED, "up": ROUTE_CHANGED}
    assert uplink.budget.spent.total_down == 2_000_000
    assert uplink.budget.spent.capacity == {}


def test_what_a_test_may_cost_is_on_disk_before_it_begins(tmp_path: Path) -> None:
    uplink = Uplink(tmp_path)
    assert uplink.agenda.begin(NOW, Decision("run", directions=("up",)))
    again = Budget(uplink.file, 1500 * 10**6)
    assert (again.spent.total_down, again.spent.total_up) == (0, 60_000_000)


def test_the_tests_of_a_pair_are_reserved_and_paid_one_after_the_other(tmp_path: Path) -> None:
    uplink = Uplink(tmp_path)
    decision = uplink.agenda.decide(NOW, Wish("pair"))
    assert (decision.action, decision.kind) == ("run", "pair")
    assert uplink.agenda.begin(NOW, decision)
    spent = uplink.budget.spent
    assert (spent.reserved_down, spent.reserved_up) == (60_000_000, 60_000_000)
    uplink.agenda.paid(NOW, "quick", found(down=2_000_000, up=500_000))
    assert (spent.reserved_down, spent.reserved_up) == (0, 0)
    assert uplink.agenda.goes_on(NOW, decision, Wish("pair"), "sustained")
    assert Budget(uplink.file, 1500 * 10**6).spent.total_down == 62_000_000, "a power cut now is charged"
    uplink.agenda.paid(NOW, "sustained", found(down=8_000_000, up=2_000_000))
    assert (spent.total_down, spent.total_up) == (10_000_000, 2_500_000)
    assert (uplink.budget.test_cost("down"), uplink.budget.test_cost("down", "sustained")) == (2e6, 8e6)


def test_a_pair_whose_first_test_has_eaten_the_money_ends_with_it(tmp_path: Path) -> None:
    uplink = Uplink(tmp_path)
    assert uplink.agenda.decide(NOW).action == "run"
    uplink.budget.spend(NOW, down=140_000_000)  # 60 MB are left of four days' worth
    decision = uplink.agenda.decide(NOW, Wish("pair"))
    assert decision.kind == "pair"
    assert uplink.agenda.begin(NOW, decision)
    uplink.agenda.paid(NOW, "quick", found(down=58_000_000, up=500_000))
    assert not uplink.agenda.goes_on(NOW, decision, Wish("pair"), "sustained")
    assert (uplink.budget.spent.reserved_down, uplink.budget.spent.reserved_up) == (0, 0)


def test_a_pair_that_the_purse_does_not_reach_for_is_one_test(tmp_path: Path) -> None:
    uplink = Uplink(tmp_path)
    assert uplink.agenda.decide(NOW, Wish("pair")).kind == "pair"
    uplink.budget.spend(NOW, down=180_000_000)
    decision = uplink.agenda.decide(NOW, Wish("pair"))
    assert (decision.action, decision.kind) == ("run", "quick")


def test_a_confirmation_needs_no_slot_but_the_purse(tmp_path: Path) -> None:
    uplink = Uplink(tmp_path)
    uplink.budget.spent.last_test = NOW.timestamp()
    assert uplink.agenda.decide(NOW).action == "wait"
    assert uplink.agenda.decide(NOW, Wish(confirming=True)).action == "run"
    uplink.budget.spend(NOW, down=200_000_000)
    assert uplink.agenda.decide(NOW, Wish(confirming=True)).reason == "postponed_budget"


def test_a_test_that_is_cut_off_is_charged_and_stops_loading_a_moment_later(tmp_path: Path) -> None:
    uplink = Uplink(tmp_path)

    async def story() -> None:
        task: asyncio.Task[None] = asyncio.create_task(asyncio.sleep(60))
        assert not uplink.agenda.loading()
        assert uplink.agenda.begin(NOW, BOTH)
        assert uplink.agenda.loading()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        uplink.agenda.ended(task)

    asyncio.run(story())
    assert uplink.agenda.loading(), "the provider's queue drains"
    assert uplink.budget.spent.total_down == 60_000_000


def test_a_busy_line_puts_a_test_off_three_times_and_then_it_runs(tmp_path: Path) -> None:
    uplink = Uplink(tmp_path)
    uplink.traffic.now = Rates(2_000_000.0, 0.0)
    at, actions = NOW, []
    for _ in range(4):
        decision = uplink.agenda.decide(at)
        actions.append(decision.action)
        if decision.action == "defer":
            assert uplink.agenda.decide(at).action == "wait"
        at += timedelta(minutes=15)
    assert actions == ["defer", "defer", "defer", "run"]
    assert uplink.budget.spent.tests == {"postponed_busy": 3}
    assert uplink.budget.spent.last_test == 0, "a slot is not used up by waiting"


def test_traffic_that_proves_both_directions_uses_the_slot_up(tmp_path: Path) -> None:
    uplink = Uplink(tmp_path)
    uplink.traffic.peaks.add(time.monotonic(), Rates(2_400_000.0, 600_000.0))
    assert uplink.agenda.decide(NOW).reason == "skipped_passive_ok"
    assert uplink.budget.spent.tests == {"skipped_passive_ok": 1}
    assert uplink.budget.spent.last_test == NOW.timestamp()
    assert uplink.budget.spent.last_success == 0, "nothing was measured"


def test_the_best_of_six_hours_is_forgotten_after_them() -> None:
    peaks = Peaks()
    peaks.add(0.0, Rates(9.0, 1.0))
    peaks.add(60.0, Rates(5.0, 4.0))
    assert peaks.best(60.0) == Rates(9.0, 4.0)
    assert peaks.best(PROOF_SECONDS + 1) == Rates(5.0, 4.0)
    assert peaks.best(PROOF_SECONDS + 61) is None
    assert peaks.take() == Rates(9.0, 4.0)
    assert peaks.take() is None, "no traffic seen is not a rate of zero"


def test_our_own_test_is_no_traffic_of_others() -> None:
    ours = [False]
    traffic = Traffic("lo", lambda: ours[0])
    for now, loaded in ((0.0, False), (5.0, True), (10.0, False)):
        ours[0] = loaded
        traffic.sample(now)
        assert traffic.now is None
    traffic.sample(15.0)
    assert traffic.now is not None


@pytest.mark.parametrize(
    ("direction", "rate", "contract", "at_least", "said"),
    [
        ("down", 2_000_000, 2_500_000.0, False, {"contract": True, "minimum": True}),
        ("down", 1_999_999, 2_500_000.0, False, {"contract": False, "minimum": True}),
        ("up", 200_000, 625_000.0, False, {"contract": False, "minimum": False}),
        ("up", 250_000, None, False, {"minimum": True}),
        ("down", 1_000_000, 2_500_000.0, True, {"minimum": True}),  # capped: it may be faster
        ("down", 400_000, 2_500_000.0, True, {}),
    ],
)
def test_a_rate_is_held_against_what_is_known_and_a_capped_one_is_never_too_slow(
    direction: str, rate: float, contract: float | None, at_least: bool, said: dict[str, bool]
) -> None:
    assert dict(verdicts(direction, rate, contract, at_least=at_least)) == said
