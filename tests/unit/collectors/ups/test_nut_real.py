"""A UPS behind Debian's own upsd and a driver of NUT: every word of a status, a scripted outage, what is lost."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest

from collectors.ups.nut import NutUps
from telemetry import catalogue as names
from telemetry.errors import NotRecognised, Unreachable
from tests.devices.nut import NAME, Nut
from tests.devices.watched import Watched

NONE = '""'
"""dummy-ups removes a variable of this value; an empty one it mixes up with the line before."""
ON_MAINS = {
    "ups.status": "OL CHRG", "ups.mfr": "EATON", "ups.model": "Ellipse ECO 800", "ups.alarm": NONE,
    "battery.charge": "93", "battery.runtime": "1740", "battery.voltage": "26.4",
    "input.voltage": "231.0", "output.voltage": "230.0", "ups.load": "23",
}  # fmt: skip
ON_BATTERY = ON_MAINS | {"ups.status": "OB DISCHRG", "input.voltage": "0.0", "battery.charge": "71"}
NEARLY_FLAT = ON_BATTERY | {"ups.status": "OB DISCHRG LB", "battery.charge": "14", "battery.runtime": "120"}
DEAD_OUTPUT = {"output.voltage": "0.0", "ups.load": "0"}
ONLY_DOWN = {"centre_ups_up": 0.0}


@pytest.fixture(scope="module")
def nut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nut]:
    """One upsd for the tests that stop nothing."""
    with Nut(tmp_path_factory.mktemp("nut"), ON_MAINS) as one:
        yield one


@pytest.fixture
def own_nut(tmp_path: Path) -> Iterator[Nut]:
    """An upsd to kill."""
    with Nut(tmp_path / "nut", ON_MAINS) as one:
        yield one


def watched(nut: Nut, directory: Path) -> Watched:
    return Watched(directory, "nut", nut.port, NAME)


@pytest.mark.parametrize(
    ("words", "more", "status"),
    [
        ("OL", {}, "online"), ("OL CHRG", {}, "online"), ("OB DISCHRG", {"input.voltage": "0.0"}, "on_battery"),
        ("OL TRIM", {}, "trim"), ("OL BOOST", {}, "boost"), ("OL ECO", {}, "eco"), ("OL BYPASS", {}, "bypass"),
        ("OL OFF", DEAD_OUTPUT, "off"), ("OB OFF", DEAD_OUTPUT, "off"),
        ("OL OFF", {}, "online"), ("OB OFF", {}, "on_battery"),  # a running load outranks OFF
        ("OB CAL DISCHRG", {}, "test"), ("OL TEST", {}, "test"), ("OB TEST", {}, "test"),
        ("OL DISCHRG", {}, "online"), ("OL DISCHRG", {"input.voltage": "0.0"}, "on_battery"),
        ("FSD OB LB", {"input.voltage": "0.0"}, "on_battery"), ("QUANTUM", {}, "other"),
    ],
)  # fmt: skip
def test_every_word_of_a_status_is_told_as_it_is_meant(
    nut: Nut, tmp_path: Path, words: str, more: dict[str, str], status: str
) -> None:
    # A mark of its own makes sure that what is read is what was said.
    mark = f"{crc32(f'{words}{more}'.encode()) % 90 + 10}.5"
    nut.say(ON_MAINS | more | {"ups.status": words, "battery.voltage": mark})
    one = asyncio.run(
        watched(nut, tmp_path).until(
            lambda seen: seen.value(names.UPS_BATTERY_VOLTAGE) == float(mark) and seen.status == status,
            f"{words} is never {status}",
        )
    )
    assert one.value(names.UPS_UP) == 1


@pytest.mark.parametrize(
    ("words", "alarm", "flags", "alarms"),
    [
        ("OL RB", NONE, (0, 1, 0), set()),
        ("OL OVER", NONE, (0, 0, 1), set()),
        ("OB LB", NONE, (1, 0, 0), set()),
        ("ALARM OL", "[Replace battery!] [Temperature too high!]", (0, 1, 0), {"battery_bad", "temperature_bad"}),
        ("ALARM OL", "[Ask Bilal 0300-1234567]", (0, 0, 0), {"general_fault"}),
        ("ALARM OL", NONE, (0, 0, 0), {"general_fault"}),
        ("FSD OL", NONE, (0, 0, 0), {"shutdown_imminent"}),
    ],
)
def test_flags_and_alarms_are_told_by_name_and_the_alarms_text_stays_here(
    nut: Nut, tmp_path: Path, words: str, alarm: str, flags: tuple[int, int, int], alarms: set[str]
) -> None:
    nut.say(ON_MAINS | {"ups.status": words, "ups.alarm": alarm})

    def as_said(one: Watched) -> bool:
        told = [one.value(flag) for flag in (names.UPS_BATTERY_LOW, names.UPS_BATTERY_REPLACE, names.UPS_OVERLOAD)]
        return tuple(told) == flags and one.alarms == alarms

    one = asyncio.run(watched(nut, tmp_path).until(as_said, f"{words} {alarm} is never told"))
    assert "Bilal" not in str(one.readings)


def test_an_outage_from_the_first_flicker_to_the_charging_is_one_complete_event(nut: Nut, tmp_path: Path) -> None:
    async def story() -> Watched:
        one = watched(nut, tmp_path)
        for variables, status in ((ON_MAINS, "online"), (ON_BATTERY, "on_battery")):
            nut.say(variables)
            await one.until_status(status)
        nut.say(NEARLY_FLAT)
        await one.until(lambda seen: seen.value(names.UPS_BATTERY_LOW) == 1, "the battery is never low")
        assert (one.status, one.value(names.UPS_CHARGE)) == ("on_battery", 0.14)
        nut.say(ON_MAINS)
        return await one.until_status("online")

    one = asyncio.run(story())
    opened, ended = one.events
    assert (opened.kind, opened.end, ended.id, ended.start) == ("outage", None, opened.id, opened.start)
    assert ended.end is not None
    assert ended.end > ended.start
    assert (ended.evidence["ups"], ended.evidence["charge_low"], ended.evidence["runtime_high_seconds"]) == (
        "rack", 0.14, 1740,
    )  # fmt: skip
    assert (one.value(names.UPS_TRANSFERS), one.value(names.UPS_ON_BATTERY_SECONDS)) == (1, 0)


def test_a_calibration_on_battery_is_no_outage(nut: Nut, tmp_path: Path) -> None:
    async def story() -> Watched:
        one = watched(nut, tmp_path)
        for words, status in (("OL", "online"), ("OB CAL DISCHRG", "test"), ("OL CHRG", "online")):
            nut.say(ON_MAINS | {"ups.status": words})
            await one.until_status(status)
        return one

    one = asyncio.run(story())
    assert (one.events, one.value(names.UPS_TRANSFERS)) == ([], 0)


def test_a_driver_that_is_killed_in_an_outage_leaves_no_value_and_its_return_ends_the_outage_once(
    own_nut: Nut, tmp_path: Path
) -> None:
    async def story() -> Watched:
        one = watched(own_nut, tmp_path)
        own_nut.say(ON_BATTERY)
        await one.until_status("on_battery")
        await asyncio.to_thread(own_nut.driver.kill)
        await one.until_lost()
        assert (one.told, one.status) == (ONLY_DOWN, None)
        assert isinstance(one.problem, Unreachable)
        assert "driver" in str(one.problem)
        own_nut.say(ON_MAINS)
        await asyncio.to_thread(own_nut.driver.start)
        return await one.until_status("online")

    one = asyncio.run(story())
    assert [event.end is None for event in one.events] == [True, False]
    assert one.events[0].id == one.events[1].id


def test_a_driver_that_hangs_gives_stale_data_which_are_never_the_last_values(own_nut: Nut, tmp_path: Path) -> None:
    async def story() -> None:
        one = watched(own_nut, tmp_path)
        await one.until_status("online")
        os.kill(own_nut.driver.pid, signal.SIGSTOP)
        try:
            await one.until_lost()
        finally:
            os.kill(own_nut.driver.pid, signal.SIGCONT)
        assert (one.told, one.status) == (ONLY_DOWN, None)
        assert isinstance(one.problem, Unreachable)
        assert "stale" in str(one.problem)
        await one.until_status("online")

    asyncio.run(story())


def test_an_upsd_that_is_started_again_is_found_again(own_nut: Nut, tmp_path: Path) -> None:
    async def story() -> None:
        one = watched(own_nut, tmp_path)
        await one.until_status("online")
        await asyncio.to_thread(own_nut.server.stop)
        await one.until_lost()
        assert (one.told, type(one.problem)) == (ONLY_DOWN, Unreachable)
        await asyncio.to_thread(own_nut.server.start)
        await one.until_status("online")

    asyncio.run(story())


def test_a_name_that_upsd_does_not_know_is_answered_with_those_it_knows(nut: Nut) -> None:
    with pytest.raises(NotRecognised, match="has no UPS 'rakc'; it has: 'rack'"):
        asyncio.run(NutUps("127.0.0.1", nut.port, "rakc", 5.0).read())


def test_without_a_name_the_first_ups_is_read(nut: Nut, tmp_path: Path) -> None:
    nut.say(ON_MAINS)
    one = asyncio.run(Watched(tmp_path, "nut", nut.port).until_status("online"))
    (info,) = (reading.series.label_map() for reading in one.readings if reading.metric is names.UPS_INFO)
    assert (info["vendor"], info["model"]) == ("EATON", "Ellipse ECO 800")


@pytest.mark.parametrize(
    ("settings", "charge", "runtime"),
    [
        ("", None, None),
        ('override.driver.version.data = "Megatec 0.06"\n', None, None),
        ('override.driver.version.data = "Voltronic 0.06"\n', 0.93, 1740),
        ("override.driver.parameter.runtimecal = 240,100,720,50\n", 0.93, 1740),
    ],
)
def test_what_a_megatec_driver_only_guesses_is_not_known(
    tmp_path: Path, settings: str, charge: float | None, runtime: float | None
) -> None:
    with Nut(tmp_path / "nut", ON_MAINS, "override.driver.name = nutdrv_qx\n" + settings) as own:
        one = asyncio.run(watched(own, tmp_path).until_status("online"))
    assert one.value(names.UPS_BATTERY_VOLTAGE) == 26.4
    assert (one.value(names.UPS_CHARGE), one.value(names.UPS_RUNTIME)) == (charge, runtime)
    assert one.value(names.UPS_REJECTED) == (None if charge else 2)


def test_a_driver_that_has_told_nothing_yet_is_no_status_of_the_ups(own_nut: Nut, tmp_path: Path) -> None:
    own_nut.server.stop()
    os.kill(own_nut.driver.pid, signal.SIGSTOP)  # upsd finds its socket, and nobody behind it
    try:
        own_nut.server.start()
        one = asyncio.run(watched(own_nut, tmp_path).read())
    finally:
        os.kill(own_nut.driver.pid, signal.SIGCONT)
    assert (one.told, one.status, type(one.problem)) == (ONLY_DOWN, None, Unreachable)
