"""One centre that floods costs the others nothing, and itself only what is over its allowance."""

from central.ingest.allowance import Allowance


def _passed(allowance: Allowance, key: str, count: int, at: float) -> int:
    return sum(allowance.take(key, at) for _ in range(count))


def test_a_burst_passes_and_then_the_rate() -> None:
    allowance = Allowance(rate=2, burst=10)
    assert _passed(allowance, "a", 50, 0) == 10
    assert _passed(allowance, "a", 50, 3) == 6
    assert _passed(allowance, "a", 50, 1000) == 10


def test_each_centre_has_its_own() -> None:
    allowance = Allowance(rate=1, burst=5)
    assert _passed(allowance, "loud", 1000, 0) == 5
    assert _passed(allowance, "quiet", 5, 0) == 5


def test_a_clock_that_stands_still_gives_nothing() -> None:
    allowance = Allowance(rate=1e6, burst=1)
    assert [allowance.take("a", 7.0) for _ in range(3)] == [True, False, False]
