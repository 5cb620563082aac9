"""Two ingests share the stream; each is killed in its turn, the second for good: nothing is lost, nothing doubled."""

import random
import time
from pathlib import Path

import pytest

from bench.oracle.country import Country, Size
from bench.oracle.faults import Trial
from bench.oracle.run import settle

PATIENCE_SECONDS = 150.0


@pytest.mark.parametrize("store", ["prometheus", "victoria-metrics"])
def test_the_death_of_either_ingest_loses_and_doubles_nothing(store: str, tmp_path: Path) -> None:
    country = Country(tmp_path / "run", store, Size(centres=10, hold_seconds=6), ingests=2)
    first, second = country.central.ingests
    with country.running():
        time.sleep(8)
        country.kill(first)
        time.sleep(8)  # the second works alone
        first.start()
        time.sleep(6)
        country.kill(second)
        time.sleep(8)  # the first works alone, and has what the second held sent to it again
        for one in country.gateways:
            one.quiet()
        time.sleep(2)
        found = settle(Trial(country, random.Random(1), set(), []), PATIENCE_SECONDS, print)
    assert found.committed > 500
    assert not found.lost, f"{len(found.lost)} of {found.committed} ticks are not in the store"
    assert found.once == found.committed
    assert (found.twice, found.wrong, found.shown) == (0, 0, 0)
    print(f"{store}: {found.committed} ticks in {found.rows} rows, each there once")
