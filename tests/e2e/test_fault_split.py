"""A line of four hops, cut in six places: the agent blames the right one, and nothing else on the way there.

`scripts/bench faults` does it at the agent's own pace; here the probes are ten times as fast.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.measure.line import Watch
from stage.hops import FAULTS, NAME_SERVER, PAGE, Hops

PATIENCE_SECONDS = 90.0
CONFIG: dict[str, Any] = {
    "resolvers": [NAME_SERVER],
    "probe_seconds": 0.5,
    "throughput": {"server": f"http://{PAGE}", "hold_after_start_seconds": 1e9},
}


@pytest.fixture(scope="module")
def hops() -> Iterator[Hops]:
    with Hops() as bed:
        yield bed


@pytest.fixture(scope="module")
def watch(hops: Hops) -> Iterator[Watch]:
    with tempfile.TemporaryDirectory() as scratch, Watch(hops, CONFIG, Path(scratch)) as watching:
        ready = watching.until(lambda line: line["fault"] == "none" and "access" in line["targets"], PATIENCE_SECONDS)
        assert ready is not None, watching.last
        yield watching


@pytest.mark.parametrize(("fault", "silent"), [(fault, number % 2 == 1) for number, fault in enumerate(FAULTS)])
def test_the_part_that_was_cut_is_blamed_with_its_evidence(hops: Hops, watch: Watch, fault: str, silent: bool) -> None:
    watch.forget()
    hops.cut(fault, silent=silent)
    try:
        assert watch.wait(fault, PATIENCE_SECONDS) is not None, watch.last
        assert watch.seen <= {"none", fault}, watch.events
        begun = next(event for event in watch.events if event["evidence"]["domain"] == fault)
        assert begun["end"] is None
        assert {"lan", "access", "isp", "target", "dns", "web"} <= set(begun["evidence"])
        assert watch.last["up"] is (fault in ("dns", "target") or (fault == "captive" and not silent))
    finally:
        watch.forget()
        hops.mend()
    assert watch.wait("none", PATIENCE_SECONDS) is not None, watch.last
    assert any(event["id"] == begun["id"] and event["end"] for event in watch.events)


def test_without_a_word_in_the_configuration_the_whole_way_is_asked(watch: Watch) -> None:
    methods = {name: one["method"] for name, one in watch.last["targets"].items()}
    icmp = dict.fromkeys(("gateway", "resolver-1", "national", "cloudflare", "google", "international"), "icmp")
    assert methods == {**icmp, "access": "hop"}
