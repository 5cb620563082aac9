"""The gateway itself loses power in an outage: SIGKILL, and what the next run makes of it.

One outage stays one event under one id, whatever of it was not seen is said, and so is the unclean stop.
"""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import Struct

from telemetry.event import Event
from tests.e2e.chain import wait_until
from tests.e2e.devices import cards, section
from tests.e2e.gateway import Gateway, shown, told
from tests.e2e.outages import RECORDED

NAME = "phoenixtec-power"
DARK_SECONDS = 4.0
START_SECONDS = 30.0
EVENT_SECONDS = 40.0
JOURNAL_SECONDS = 30.0
"""So seldom a running outage and the heartbeat are written down: a gap can be told this much too long."""


class After(Struct):
    """What came of it. `mains_at`: when mains came back; `up_at`: when the agent was started again."""

    outages: list[Event]
    restarts: list[Event]
    up_at: datetime
    mains_at: datetime
    opened_before: int


def lose_power(directory: Path, *, mains_first: bool) -> After:
    """Cut, kill, start again; mains comes back while the gateway is dark, or later."""
    outage = RECORDED[NAME]
    with cards({"rack": outage.mains}) as made, Gateway(directory, section("rack", made["rack"])) as gateway:
        gateway.until(shown("online"), "rack", START_SECONDS)
        wait_until(lambda: gateway.ear.events("restart"), EVENT_SECONDS, "the first start was not told")
        made["rack"].update(outage.cut)
        wait_until(lambda: gateway.ear.events("outage"), EVENT_SECONDS, "the outage was not told")
        opened_before = len(gateway.ear.events("outage"))
        gateway.agent.kill()
        mains_at = datetime.now(UTC)
        if mains_first:
            made["rack"].update(outage.back)
        time.sleep(DARK_SECONDS)
        up_at = datetime.now(UTC)
        gateway.agent.start()
        if not mains_first:
            gateway.until(shown("on_battery"), "rack", START_SECONDS)
            gateway.until(told(status="on_battery"), "rack", START_SECONDS)
            made["rack"].update(outage.low)
            time.sleep(2 * 2.0)  # two readings on battery
            mains_at = datetime.now(UTC)
            made["rack"].update(outage.back)
        gateway.until(shown("online"), "rack", START_SECONDS)
        wait_until(lambda: any(one.end for one in gateway.ear.events("outage")), EVENT_SECONDS, "never completed")
        wait_until(lambda: len(gateway.ear.events("restart")) > 1, EVENT_SECONDS, "the unclean stop was not told")
        time.sleep(3)  # a second opening would come now
        outages = sorted(gateway.ear.events("outage"), key=lambda one: one.end is not None)  # the newest goes first
        restarts = sorted(gateway.ear.events("restart"), key=lambda one: one.end or one.start)
        return After(outages, restarts, up_at, mains_at, opened_before)


@pytest.fixture(scope="module", params=["still on battery", "mains returned in the dark"])
def after(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, After]:
    """Both ways it can go on."""
    return request.param, lose_power(tmp_path_factory.mktemp("dark"), mains_first=request.param.startswith("mains"))


def test_one_outage_is_one_event_over_a_power_loss(after: tuple[str, After]) -> None:
    _, found = after
    assert found.opened_before == 1
    assert len({event.id for event in found.outages}) == 1
    assert [event.end is None for event in found.outages] == [True, False]
    opened, ended = found.outages
    assert ended.start == opened.start
    assert ended.end is not None
    assert ended.end >= max(found.up_at, found.mains_at)  # it ends with the first reading that sees mains


def test_what_was_not_seen_of_it_is_said(after: tuple[str, After]) -> None:
    way, found = after
    evidence = found.outages[-1].evidence
    print(f"{way}: {evidence}")
    assert DARK_SECONDS <= float(evidence["gap_seconds"]) <= DARK_SECONDS + JOURNAL_SECONDS + START_SECONDS
    if way.startswith("mains"):
        assert evidence["ended"] == "unseen"
        assert evidence["charge_low"] == pytest.approx(0.9)
    else:
        assert "ended" not in evidence  # its end was seen
        assert evidence["charge_low"] == pytest.approx(0.15)


def test_the_unclean_stop_is_told_with_its_gap(after: tuple[str, After]) -> None:
    _, found = after
    first, second = found.restarts
    assert first.evidence["clean"] is True
    assert second.evidence["clean"] is False
    assert DARK_SECONDS - 1 <= float(second.evidence["gap_seconds"]) <= DARK_SECONDS + JOURNAL_SECONDS + START_SECONDS
    assert second.end is not None
    assert second.end >= found.up_at
    assert second.start <= found.up_at
