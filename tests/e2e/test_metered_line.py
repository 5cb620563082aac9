"""A line that is paid by the byte is asked each 30 s; a cut of it is named within a minute or so all the same."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bench.measure.line import Watch
from stage.hops import NAME_SERVER, PAGE, Hops

SOON_SECONDS, PATIENCE_SECONDS = 85.0, 120.0
"""Four probes that are 30 s apart would need 90 s and more."""


def well(line: dict[str, Any]) -> bool:
    return line["fault"] == "none" and "access" in line["targets"]


@pytest.fixture(scope="module")
def hops() -> Iterator[Hops]:
    with Hops() as bed:
        yield bed


def test_a_cut_is_named_before_four_usual_probes_are_lost(hops: Hops) -> None:
    config = {
        "interface": "lan",
        "metered": True,
        "resolvers": [NAME_SERVER],
        "check_url": f"http://{PAGE}/",
        "interval_seconds": 2.0,
    }
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        watch = stack.enter_context(Watch(hops, config, Path(scratch)))
        assert watch.until(well, PATIENCE_SECONDS) is not None, watch.last
        assert {one["period_seconds"] for one in watch.last["targets"].values()} == {30}
        watch.forget()
        hops.cut("isp", silent=True)
        took = watch.wait("isp", SOON_SECONDS)
        assert took is not None, watch.last
        assert watch.seen <= {"none", "isp"}
