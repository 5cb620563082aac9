"""When a throughput test knows enough, on synthetic counters."""

import math
import random
import statistics
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.internet.engines import TestClass
from collectors.internet.engines.plateau import Plateau

TICK = 0.02
PACKET = 1448
MEGABIT = 125_000.0
Line = Callable[[float], float]


def run(line: Line, plateau: Plateau, most: float = 10.0) -> float | None:
    """Feed the counter of a line until the plateau knows; the time at which it did."""
    for tick in range(int(most / TICK)):
        at = tick * TICK
        if plateau.add(at, int(line(at) / PACKET) * PACKET):
            return at
    return None


def steady(rate: float) -> Line:
    return lambda at: rate * at


def ramp(rate: float, seconds: float) -> Line:
    """Grows evenly to `rate`, then holds."""
    return lambda at: rate * (at * at / (2 * seconds) if at < seconds else at - seconds / 2)


def stepping(rates: tuple[float, ...], seconds: float, seed: int, noise: float = 0.0) -> Line:
    """Jumps between rates by chance; each step may be off by a part `noise`."""
    chance = random.Random(seed)
    steps = [chance.choice(rates) * (1 + chance.uniform(-noise, noise)) for _ in range(200)]

    def line(at: float) -> float:
        full = int(at / seconds)
        return seconds * sum(steps[:full]) + (at - full * seconds) * steps[full]

    return line


def burst(fast: float, slow: float, seconds: float) -> Line:
    return lambda at: fast * min(at, seconds) + slow * max(0.0, at - seconds)


@given(st.floats(0.5, 500).map(lambda mbps: mbps * MEGABIT), st.floats(0.001, 0.15))
def test_a_steady_line_is_known_within_2_percent(rate: float, rtt: float) -> None:
    plateau = Plateau(rtt=rtt)
    assert run(steady(rate), plateau) is not None
    assert plateau.rate == pytest.approx(rate, rel=0.02)
    assert plateau.variable() is False


def test_a_short_line_is_known_in_half_a_second() -> None:
    at = run(steady(20 * MEGABIT), Plateau(rtt=0.02))
    assert at is not None
    assert at <= 0.5


def test_a_fat_long_line_is_looked_at_twice() -> None:
    """RTT 90 ms at 100 Mbit/s: the first plateau may be slow start overshooting."""
    at = run(steady(100 * MEGABIT), Plateau(rtt=0.09))
    assert at is not None
    assert 0.09 * 8 + 0.09 * 3 + 0.09 * 8 <= at <= 2.0


def test_a_first_plateau_that_does_not_last_is_not_believed() -> None:
    rate = 100 * MEGABIT
    plateau = Plateau(rtt=0.09)
    at = run(burst(rate / 2, rate, 1.2), plateau)
    assert at is not None
    assert at > 1.2
    assert plateau.rate == pytest.approx(rate, rel=0.02)


@pytest.mark.parametrize("mbps", [1, 20, 100])
def test_a_rate_that_still_grows_is_not_a_plateau(mbps: float) -> None:
    plateau = Plateau(rtt=0.02)
    assert run(ramp(mbps * MEGABIT, 3.0), plateau, most=5.0) is None
    assert plateau.rate is None
    assert plateau.variable() is True, "three seconds are no slow start"
    assert (plateau.last_resort() or 0) < 0.8 * mbps * MEGABIT, "the mean, as a user would have seen it"


def test_a_burst_is_taken_for_the_line_by_a_quick_test_and_not_by_a_sustained_one() -> None:
    line = burst(60 * MEGABIT, 20 * MEGABIT, 0.8)
    quick, sustained = Plateau(rtt=0.02), Plateau(rtt=0.02, test_class="sustained")
    assert run(line, quick) is not None
    assert quick.rate == pytest.approx(60 * MEGABIT, rel=0.02), "the known weakness; reference/internet.md section 2"
    at = run(line, sustained)
    assert at is not None
    assert at >= 3.0
    assert sustained.rate == pytest.approx(20 * MEGABIT, rel=0.02)
    assert sustained.variable() is True, "it was faster before"


@given(st.floats(0.3, 2.8), st.floats(1.2, 10))
def test_a_sustained_test_is_within_5_percent_if_the_bucket_is_empty_in_3_seconds(
    seconds: float, faster: float
) -> None:
    plateau = Plateau(rtt=0.02, test_class="sustained")
    assert run(burst(20 * MEGABIT * faster, 20 * MEGABIT, seconds), plateau, most=8.0) is not None
    assert plateau.rate == pytest.approx(20 * MEGABIT, rel=0.05)


def test_a_sustained_test_of_a_steady_line_ends_at_3_seconds() -> None:
    at = run(steady(20 * MEGABIT), Plateau(rtt=0.02, test_class="sustained"))
    assert at is not None
    assert 3.0 <= at <= 3.2


@pytest.mark.parametrize(("test_class", "most"), [("quick", 5.0), ("sustained", 8.0)])
def test_the_median_of_9_tests_of_a_line_that_jumps_is_its_mean(test_class: TestClass, most: float) -> None:
    """14, 20 or 26 Mbit/s for 0.3 s each: a radio line."""
    off = []
    for first in range(0, 900, 9):
        found = []
        for seed in range(first, first + 9):
            plateau = Plateau(rtt=0.02, test_class=test_class)
            run(stepping((14 * MEGABIT, 20 * MEGABIT, 26 * MEGABIT), 0.3, seed), plateau, most=most)
            found.append(plateau.rate or plateau.last_resort() or 0.0)
        off.append(abs(statistics.median(found) / (20 * MEGABIT) - 1))
    assert sum(one <= 0.10 for one in off) >= 95


def test_a_plateau_that_the_mean_does_not_agree_with_is_a_moment() -> None:
    """26 after 14, and 0.3 s is longer than slow start."""
    line = burst(14 * MEGABIT, 26 * MEGABIT, 0.30)
    plateau = Plateau(rtt=0.02)
    at = run(line, plateau)
    assert at is not None
    assert at > 1.0, "not before the first part has lost its weight"
    assert plateau.rate == pytest.approx(26 * MEGABIT, rel=0.06)


def test_the_contract_met_is_enough_where_a_second_look_would_cost_bytes() -> None:
    line = steady(100 * MEGABIT)
    whole, enough = Plateau(rtt=0.09), Plateau(rtt=0.09, contract=90 * MEGABIT)
    later, sooner = run(line, whole), run(line, enough)
    assert later is not None
    assert sooner is not None
    assert sooner < later - 0.3
    assert (whole.stop, enough.stop) == ("converged", "sufficient")
    assert enough.rate == pytest.approx(100 * MEGABIT, rel=0.02)


def test_a_contract_that_is_not_met_is_looked_at_twice() -> None:
    plateau = Plateau(rtt=0.09, contract=101 * MEGABIT)
    run(steady(100 * MEGABIT), plateau)
    assert plateau.stop == "converged"


def test_a_sustained_test_is_not_cut_short_by_the_contract() -> None:
    plateau = Plateau(rtt=0.02, test_class="sustained", contract=MEGABIT)
    at = run(steady(20 * MEGABIT), plateau)
    assert at is not None
    assert at >= 3.0
    assert plateau.stop == "converged"


def test_where_packets_get_lost_the_window_holds_twice_as_many() -> None:
    clean, lossy = run(steady(MEGABIT), Plateau(rtt=0.02)), run(steady(MEGABIT), Plateau(rtt=0.02, lossy=True))
    assert clean is not None
    assert lossy is not None
    assert lossy - clean > 0.4


@given(st.floats(2, 200).map(lambda mbps: mbps * MEGABIT), st.floats(0.01, 0.1))
def test_slow_start_does_not_weigh_on_the_mean(rate: float, rtt: float) -> None:
    plateau = Plateau(rtt=rtt)
    assert run(ramp(rate, 4 * rtt), plateau) is not None
    assert plateau.rate == pytest.approx(rate, rel=0.02)


def test_a_line_that_stands_still_has_no_rate() -> None:
    plateau = Plateau(rtt=0.02)
    assert run(steady(0), plateau, most=2.0) is None
    assert not plateau.last_resort()


def test_a_rate_that_swings_is_not_a_plateau_and_the_last_resort_is_its_mean() -> None:
    def swinging(at: float) -> float:
        full, rest = divmod(at, 0.2)
        return MEGABIT * (20 * full * 0.1 + 10 * full * 0.1 + (20 * rest if rest < 0.1 else 2 + 10 * (rest - 0.1)))

    plateau = Plateau(rtt=0.02)
    assert run(swinging, plateau, most=5.0) is None
    assert plateau.last_resort() == pytest.approx(15 * MEGABIT, rel=0.05)


def test_a_line_that_falls_off_is_called_variable() -> None:
    def sinking(at: float) -> float:
        return MEGABIT * 100 * (1 - math.exp(-at))

    plateau = Plateau(rtt=0.02)
    assert run(sinking, plateau, most=5.0) is None
    assert plateau.variable() is True


@pytest.mark.parametrize("samples", [0, 1, 2])
def test_two_samples_are_too_few_for_any_word(samples: int) -> None:
    plateau = Plateau(rtt=0.02)
    for number in range(samples):
        plateau.add(number * TICK, number * 100_000)
    assert plateau.last_resort() is None


@given(st.lists(st.tuples(st.floats(0.001, 0.1), st.integers(0, 10**6)), max_size=80), st.floats(0, 0.3))
def test_no_counter_raises_and_no_rate_exceeds_what_came(steps: list[tuple[float, int]], rtt: float) -> None:
    plateau, at, count = Plateau(rtt=rtt), 0.0, 0
    fastest = 0.0
    for seconds, more in steps:
        at, count = at + seconds, count + more
        fastest = max(fastest, more / seconds)
        stop = plateau.add(at, count)
        assert bool(stop) == (plateau.rate is not None)
        assert plateau.rate is None or 0 < plateau.rate <= fastest * 1.001
    assert (plateau.last_resort() or 0) <= fastest * 1.001


def test_the_first_test_of_a_line_finds_a_bucket_that_outlasts_the_usual_ones() -> None:
    line = burst(60 * MEGABIT, 20 * MEGABIT, seconds=3.5)
    usual, first = Plateau(rtt=0.02, test_class="sustained"), Plateau(rtt=0.02, test_class="sustained", min_seconds=8)
    assert run(line, usual) is not None
    assert usual.rate == pytest.approx(60 * MEGABIT, rel=0.02)
    at = run(line, first)
    assert at is not None
    assert at >= 8
    assert first.rate == pytest.approx(20 * MEGABIT, rel=0.02)
