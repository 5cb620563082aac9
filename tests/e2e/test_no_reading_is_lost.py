"""Agent, broker, ingest and store are each killed once; every committed tick must be in the store, once."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.chain import Chain, wait_until

RUN_SECONDS = 180
DRAIN_SECONDS = 120
METRICS = ("centre_host_cpu_usage_ratio", "centre_host_memory_available_bytes")
Outcome = dict[str, tuple[dict[int, float], list[tuple[int, float]]]]


def run_with_kills(directory: Path, store: str, *, control: bool) -> Outcome:
    """Three minutes, one kill each; returns what was committed and what the store holds, by metric."""
    chain = Chain(directory, store, control=control).start()
    begun = time.monotonic()
    try:
        for at, part, away in (
            (25, chain.agent, 3),
            (50, chain.broker, 3),
            (80, chain.ingest, 10),
            (115, chain.store, 5),
        ):
            time.sleep(max(0.0, begun + at - time.monotonic()))
            part.kill()
            time.sleep(away)
            part.start()
        time.sleep(max(0.0, begun + RUN_SECONDS - time.monotonic()))
        chain.agent.stop()
        chain.ledger.look()
        chain.ledger.stop()
        committed = {name: dict(chain.ledger.ticks[name]) for name in METRICS}
        chain.agent.start()  # it comes back and sends what is left; its new ticks are not counted
        if not control:
            wait_until(lambda: all_stored(chain, committed), DRAIN_SECONDS, "the store never got everything")
        else:
            time.sleep(30)
        return {name: (committed[name], chain.samples(name, RUN_SECONDS + DRAIN_SECONDS + 120)) for name in METRICS}
    finally:
        chain.stop()


def all_stored(chain: Chain, committed: dict[str, dict[int, float]]) -> bool:
    for name, ticks in committed.items():
        held = {at for at, _ in chain.samples(name, RUN_SECONDS + DRAIN_SECONDS + 120)}
        if not set(ticks) <= held:
            return False
    return True


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """The three runs side by side: they wait more than they work."""
    runs = {
        "prometheus": ("prometheus", False),
        "victoria-metrics": ("victoria-metrics", False),
        "control": ("prometheus", True),
    }
    with ThreadPoolExecutor(len(runs)) as pool:
        started = {
            name: pool.submit(run_with_kills, tmp_path_factory.mktemp(name), store, control=control)
            for name, (store, control) in runs.items()
        }
        return {name: future.result() for name, future in started.items()}


@pytest.mark.parametrize("store", ["prometheus", "victoria-metrics"])
def test_every_committed_tick_is_stored_once_with_its_own_time(store: str, outcomes: dict[str, Outcome]) -> None:
    for name, (committed, stored) in outcomes[store].items():
        times = [at for at, _ in stored]
        missing = sorted(set(committed) - set(times))
        assert len(committed) > 120, name
        assert not missing, f"{name}: {len(missing)} of {len(committed)} ticks are not in the store"
        assert len(times) == len(set(times)), f"{name}: a tick is there twice"
        assert {at: value for at, value in stored if at in committed} == committed, name
        print(f"{store} {name}: {len(committed)} committed, {len(missing)} missing")


def test_deletion_at_puback_loses_in_the_same_run(outcomes: dict[str, Outcome]) -> None:
    committed, stored = outcomes["control"][METRICS[0]]
    missing = set(committed) - {at for at, _ in stored}
    assert missing, "the control lost nothing: this test proves nothing"
    print(f"control: {len(missing)} of {len(committed)} ticks lost")
