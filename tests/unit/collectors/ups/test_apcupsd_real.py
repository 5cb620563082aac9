"""A UPS behind Debian's own apcupsd, whose UPS is a simulated card: an outage, a test, what is lost."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from stage.process import Part
from telemetry import catalogue as names
from telemetry.errors import Unreachable
from tests.devices import apcupsd
from tests.devices.apcupsd import BOOST, OFF, ON_BATTERY, SELF_TEST, TRIM, behind_apcupsd, behind_card, card, let_pass
from tests.devices.watched import Watched
from tests.e2e.devices import CardThread

ONLY_DOWN = {"centre_ups_up": 0.0}


@pytest.fixture
def ups() -> Iterator[CardThread]:
    one = CardThread(card())
    yield one
    one.close()


@pytest.fixture
def daemon(ups: CardThread, tmp_path: Path) -> Iterator[tuple[Part, int]]:
    """A running apcupsd and its port."""
    part, port = behind_card(tmp_path / "apcupsd", ups.port)
    with part:
        yield part, port


@pytest.fixture
def seen(daemon: tuple[Part, int], tmp_path: Path) -> Watched:
    return Watched(tmp_path, "apcupsd", daemon[1])


def test_a_card_is_told_in_base_units_through_apcupsd(seen: Watched) -> None:
    asyncio.run(seen.until_status("online"))
    assert (seen.value(names.UPS_CHARGE), seen.value(names.UPS_RUNTIME)) == (1.0, 2280)
    assert (seen.value(names.UPS_INPUT_VOLTAGE), seen.value(names.UPS_OUTPUT_LOAD)) == (231, 0.17)
    (info,) = (one.series.label_map() for one in seen.readings if one.metric is names.UPS_INFO)
    assert (info["model"], info["serial"], info["firmware"]) == ("Smart-UPS 1500", "AS1234567890", "UPS 08.8")
    assert not [one for one in seen.readings if one.metric is names.UPS_REJECTED]


def test_an_outage_down_to_apcupsds_own_shutdown_is_one_complete_event(ups: CardThread, seen: Watched) -> None:
    async def story() -> None:
        await seen.until_status("online")
        ups.update(card(ON_BATTERY, charge=71))
        await seen.until_status("on_battery")
        ups.update(card(ON_BATTERY, charge=9, minutes=2, low=True))
        await seen.until(lambda one: one.value(names.UPS_BATTERY_LOW) == 1, "the battery is never low")
        # It now says SHUTTING DOWN and nothing else, for good; the UPS goes on to be read.
        await seen.until(lambda one: "shutdown_imminent" in one.alarms, "apcupsd never shuts down")
        assert (seen.status, seen.value(names.UPS_BATTERY_LOW)) == ("on_battery", 1)
        ups.update(card(charge=10))
        await seen.until_status("online")

    asyncio.run(story())
    opened, ended = seen.events
    assert (opened.end, ended.id, ended.start) == (None, opened.id, opened.start)
    assert ended.end is not None
    assert ended.evidence["charge_low"] == 0.09
    assert seen.value(names.UPS_TRANSFERS) == 1


@pytest.mark.parametrize(
    ("values", "status"),
    [
        (card(BOOST), "boost"), (card(TRIM), "trim"), (card(OFF), "other"),
        (card(ON_BATTERY, cause=SELF_TEST, test_result=4, mains=True), "test"),
        (card(ON_BATTERY, calibrating=True, mains=True), "test"),
    ],
    ids=["boost", "trim", "off", "self-test", "calibration"],
)  # fmt: skip
def test_what_is_neither_mains_nor_an_outage_is_told_and_is_no_outage(
    ups: CardThread, seen: Watched, values: dict[str, apcupsd.CardValue], status: str
) -> None:
    async def story() -> None:
        await seen.until_status("online")
        ups.update(values)
        await seen.until_status(status)
        ups.update(card())
        await seen.until_status("online")

    asyncio.run(story())
    assert (seen.events, seen.value(names.UPS_TRANSFERS)) == ([], 0)


def test_a_cut_during_a_self_test_is_an_outage(ups: CardThread, seen: Watched) -> None:
    async def story() -> None:
        await seen.until_status("online")
        ups.update(card(ON_BATTERY, cause=SELF_TEST, test_result=4))
        await seen.until_status("on_battery")

    asyncio.run(story())
    assert len(seen.events) == 1


def test_an_overload_is_told(ups: CardThread, seen: Watched) -> None:
    ups.update(card(overload=True))
    asyncio.run(seen.until(lambda one: one.value(names.UPS_OVERLOAD) == 1, "no overload"))
    assert seen.status == "online"


def test_a_battery_to_replace_is_told_once_apcupsd_believes_it(
    ups: CardThread, seen: Watched, tmp_path: Path
) -> None:  # apcupsd ignores the flag in its first ten minutes
    ups.update(card(replace=True))
    let_pass(tmp_path / "apcupsd", 900)
    asyncio.run(seen.until(lambda one: one.value(names.UPS_BATTERY_REPLACE) == 1, "no battery to replace"))
    assert seen.status == "online"


def test_a_ups_that_apcupsd_has_lost_leaves_no_value_and_is_found_again(ups: CardThread, seen: Watched) -> None:
    async def story() -> None:
        await seen.until_status("online")
        ups.card.silent = True
        await seen.until_lost()
        assert (seen.told, seen.status, type(seen.problem)) == (ONLY_DOWN, None, Unreachable)
        ups.card.silent = False
        await seen.until_status("online")

    asyncio.run(story())


def test_an_apcupsd_that_is_started_again_is_found_again(daemon: tuple[Part, int], seen: Watched) -> None:
    async def story() -> None:
        await seen.until_status("online")
        await asyncio.to_thread(daemon[0].stop)
        await seen.until_lost()
        assert (seen.told, type(seen.problem)) == (ONLY_DOWN, Unreachable)
        await asyncio.to_thread(daemon[0].start)
        await seen.until_status("online")

    asyncio.run(story())


def test_an_apcupsd_behind_another_tells_the_same_and_is_lost_with_it(
    ups: CardThread, daemon: tuple[Part, int], tmp_path: Path
) -> None:
    part, port = behind_apcupsd(tmp_path / "second", daemon[1])
    second = Watched(tmp_path, "apcupsd", port)

    async def story() -> None:
        await second.until_status("online")
        ups.update(card(ON_BATTERY))
        await second.until_status("on_battery")
        await asyncio.to_thread(daemon[0].stop)
        await second.until_lost()
        assert second.told == ONLY_DOWN

    with part:
        asyncio.run(story())
    assert len(second.events) == 1
