"""A cut is never hidden: not by a source that is wrong or not told, nor by a test, nor by a quick poll."""

import asyncio
from typing import Any

import pytest

from agent.demo import ups
from agent.demo.card import Card as Simulated
from agent.demo.card import CardValue
from collectors.snmp import Session, Value
from collectors.ups import apcupsd, nut, poll
from collectors.ups.decode import decode
from collectors.ups.mib import brands, fallback
from collectors.ups.poll import Card
from collectors.ups.settle import settle
from collectors.ups.state import UpsState
from tests.devices.cards import served

R, E = "1.3.6.1.2.1.33.1", "1.3.6.1.4.1"
BRANDS = {mib.name: mib for mib in brands()}
ALARM_LOW = {f"{R}.6.1.0": 1, f"{R}.6.2.1.2.1": f".{R}.6.3.3"}


def settled(**fields: Any) -> UpsState:
    state = UpsState(**fields)
    settle(state)
    return state


@pytest.mark.parametrize("alarm", ["on_battery", "utility_not_present"])
@pytest.mark.parametrize(
    ("status", "volts", "found"),
    [
        ("online", [0.0], "on_battery"), ("eco", [0.0], "on_battery"), ("other", [12.0], "on_battery"),
        ("boost", [0.0, 0.0, 0.0], "on_battery"),
        ("online", [228.0], "online"), ("online", [0.0, 229.0, 230.0], "online"), ("online", [], "online"),
        ("bypass", [0.0], "bypass"),
    ],
)  # fmt: skip
def test_a_source_that_says_mains_is_not_believed_against_an_alarm_and_an_input_without_any(
    alarm: str, status: str, volts: list[float], found: str
) -> None:
    assert settled(status=status, alarms=[alarm], input_volts=volts, output_volts=[230.0]).status == found


@pytest.mark.parametrize(("volts", "status"), [([0.0], "on_battery"), ([229.0], "test"), ([], "test")])
def test_a_source_that_says_test_needs_mains_where_the_input_is_measured(volts: list[float], status: str) -> None:
    assert settled(status="test", input_volts=volts).status == status


@pytest.mark.parametrize(("volts", "status"), [("0.0", "on_battery"), ("229.0", "test")])
def test_so_does_a_test_that_nut_or_apcupsd_tells(volts: str, status: str) -> None:
    for tokens in ("OB DISCHRG TEST", "OB CAL"):
        assert nut.state_of({"ups.status": tokens, "input.voltage": volts}).status == status
    assert apcupsd.state_of({"STATUS": "ONBATT", "SELFTEST": "IP", "LINEV": f"{volts} Volts"}).status == status


@pytest.mark.parametrize(
    ("brand", "raw", "status"),
    [
        ("xppc", {f"{E}.935.1.1.1.4.1.1.0": 1, f"{R}.4.1.0": 5}, "on_battery"),
        ("apc", {f"{E}.318.1.1.1.4.1.1.0": 1, f"{R}.4.1.0": 5}, "on_battery"),
        ("voltronic", {f"{E}.21111.1.1.5.1.0": 9, f"{R}.4.1.0": 3}, "other"),  # a fault is not made good by RFC 1628
        ("apc", {f"{E}.318.1.1.1.4.1.1.0": 2, f"{R}.4.1.0": 5}, "online"),
    ],
)
def test_a_source_that_a_brand_cannot_name_is_asked_of_rfc_1628_for_a_cut(
    brand: str, raw: dict[str, Value], status: str
) -> None:
    assert decode(raw, BRANDS[brand], fallback()).status == status


def test_the_alarms_of_the_last_full_reading_count_in_a_quick_one() -> None:
    async def story() -> list[tuple[str | None, bool | None]]:
        card = Simulated(ups.identity() | ups.on_mains() | {f"{R}.4.1.0": 5, f"{R}.2.1.0": 2} | ALARM_LOW)
        async with served(card) as at, Session(at) as session:
            made = Card(session)
            states = [await made.read(), await made.read_source()]
            return [(one.status, one.battery_low) for one in states]

    assert asyncio.run(story()) == [("on_battery", True)] * 2


def test_a_card_that_has_not_told_its_source_is_looked_at_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poll, "_DOUBT_EVERY", 3)
    mains: dict[str, CardValue] = ups.identity() | ups.on_mains()

    async def story() -> list[str | None]:
        card = Simulated({oid: value for oid, value in mains.items() if oid != f"{R}.4.1.0"})
        async with served(card) as at, Session(at) as session:
            made = Card(session)
            before = (await made.read()).status
            card.update({f"{R}.4.1.0": 4})
            return [before, *[(await made.read()).status for _ in range(3)]]

    found = asyncio.run(story())
    assert (found[0], found[-1]) == ("online", "bypass")
