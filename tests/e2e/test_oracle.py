"""10,000 rows under 30 kills and everything else that goes wrong: each captured tick is in the store, once.

The same oracle as `scripts/bench chaos`, shorter. Both stores and the control run side by side: they wait more than
they work.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.oracle.country import FAKETIME, Size
from bench.oracle.faults import faults
from bench.oracle.run import Course, Result, run

KILLS, ROWS, SEED = 30, 10_000, 7
COURSES = {
    "prometheus": Course("prometheus", KILLS, ROWS, SEED, Size(centres=45, hold_seconds=8)),
    "victoria-metrics": Course("victoria-metrics", KILLS, ROWS, SEED, Size(centres=45)),
    "control": Course("prometheus", 8, 0, SEED, Size(centres=5), control=True, peace_seconds=30),
}
LEFT_TO_THE_BENCH = {"log torn", "log bits flipped", "file bits flipped"}
"""What they do is a figure there: damage that SQLite does not notice."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    assert FAKETIME.exists(), "apt-get install libfaketime"
    known = [one for one in faults() if one.name not in LEFT_TO_THE_BENCH]
    with ThreadPoolExecutor(len(COURSES)) as pool:
        started = {
            name: pool.submit(run, tmp_path_factory.mktemp("o") / "run", course, known)
            for name, course in COURSES.items()
        }
        return {name: future.result() for name, future in started.items()}


@pytest.mark.parametrize("store", ["prometheus", "victoria-metrics"])
def test_every_captured_tick_is_stored_once(store: str, results: dict[str, Result]) -> None:
    result = results[store]
    found = result.outcome
    print(
        f"{store}: {found.committed} ticks in {found.rows} rows under {result.kills} kills, {len(found.lost)} lost "
        f"({result.late} on their way), "
        f"{found.set_aside} given up with damaged files, {found.refused} refused, "
        f"{result.stormy_seconds:.0f} s of faults, "
        f"{result.peaceful_seconds:.0f} s of peace; {result.faults}"
    )
    assert found.rows >= ROWS
    assert result.kills >= KILLS
    assert not result.fallen
    assert not found.lost
    assert not found.uncounted
    assert found.once + found.set_aside + found.refused == found.committed
    assert (found.twice, found.wrong, found.shown) == (0, 0, 0)


def test_deletion_at_puback_loses_in_the_same_run(results: dict[str, Result]) -> None:
    lost = len(results["control"].outcome.lost)
    assert lost, "the control lost nothing: this test proves nothing"
    print(f"control: {lost} of {results['control'].outcome.committed} ticks lost")
