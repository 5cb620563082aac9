"""A card that tests its battery is on battery by its own will: no outage, unless mains is gone as well."""

import asyncio

import pytest

from agent.demo.card import Card, CardValue
from collectors.snmp import Session
from collectors.ups.poll import Card as Poll
from tests.devices.cards import served

RFC, APC, CPS = "1.3.6.1.2.1.33.1", "1.3.6.1.4.1.318.1.1.1", "1.3.6.1.4.1.3808.1.1.1"
XPPC, XUPS, DELTA = "1.3.6.1.4.1.935.1.1.1", "1.3.6.1.4.1.534.1", "1.3.6.1.4.1.2254.2.4"
FLAGS = "0" * 28
Values = dict[str, CardValue]
RFC_BATTERY: Values = {f"{RFC}.4.1.0": 5, f"{RFC}.2.1.0": 2}

# On battery; in a test; the same without one; mains at the input; none.
CARDS: dict[str, tuple[Values, Values, Values, Values, Values]] = {
    "rfc1628": (
        RFC_BATTERY, {f"{RFC}.7.3.0": 5}, {f"{RFC}.7.3.0": 1},
        {f"{RFC}.3.3.1.3.1": 231}, {f"{RFC}.3.3.1.3.1": 0},
    ),
    "rfc1628 with an extra .0": (
        RFC_BATTERY, {f"{RFC}.7.3.0": 5}, {f"{RFC}.7.3.0": 6},
        {f"{RFC}.3.3.1.3.1.0": 231}, {f"{RFC}.3.3.1.3.1.0": 0},
    ),
    "apc": (
        {f"{APC}.4.1.1.0": 3}, {f"{APC}.7.2.3.0": 4}, {f"{APC}.7.2.3.0": 1},
        {f"{APC}.3.2.1.0": 231}, {f"{APC}.3.2.1.0": 0},
    ),
    "apc that flags it": (
        {f"{APC}.4.1.1.0": 3}, {f"{APC}.11.1.1.0": f"{FLAGS}1{FLAGS}"}, {f"{APC}.11.1.1.0": f"{FLAGS}0{FLAGS}"},
        {f"{APC}.3.3.1.0": 2310}, {f"{APC}.3.3.1.0": 0},
    ),
    "cyberpower": (
        {f"{CPS}.4.1.1.0": 3}, {f"{CPS}.7.2.3.0": 4}, {f"{CPS}.7.2.3.0": 1},
        {f"{CPS}.3.2.1.0": 2310}, {f"{CPS}.3.2.1.0": 0},
    ),
    "xppc": (
        {f"{XPPC}.4.1.1.0": 3}, {f"{XPPC}.7.2.3.0": 4}, {f"{XPPC}.7.2.3.0": 1},
        {f"{XPPC}.3.2.1.0": 2310}, {f"{XPPC}.3.2.1.0": 0},
    ),
    "xups": (
        {f"{XUPS}.4.5.0": 5}, {f"{XUPS}.8.2.0": 4}, {f"{XUPS}.8.2.0": 2},
        {f"{XUPS}.3.4.1.2.1": 231}, {f"{XUPS}.3.4.1.2.1": 0},
    ),
    "delta": (
        {f"{DELTA}.5.1.0": 1}, {f"{DELTA}.8.2.0": 2}, {f"{DELTA}.8.2.0": 1},
        {f"{DELTA}.4.3.0": 2310}, {f"{DELTA}.4.3.0": 0},
    ),
}  # fmt: skip
every_card = pytest.mark.parametrize("card", CARDS)


def _statuses(values: Values) -> tuple[str | None, str | None]:
    """What a whole reading and a quick one make of it."""

    async def act() -> tuple[str | None, str | None]:
        async with served(Card(values)) as at, Session(at) as session:
            poll = Poll(session)
            return (await poll.read()).status, (await poll.read_source()).status

    return asyncio.run(act())


@every_card
def test_a_test_with_mains_at_the_input_is_no_outage(card: str) -> None:
    on_battery, testing, _, mains, _ = CARDS[card]
    assert _statuses(on_battery | testing | mains) == ("test", "test")


@every_card
def test_without_a_test_it_is_on_battery_whatever_the_input_says(card: str) -> None:
    on_battery, _, idle, mains, none = CARDS[card]
    assert _statuses(on_battery | idle | mains) == ("on_battery", "on_battery")
    assert _statuses(on_battery | idle | none) == ("on_battery", "on_battery")


@every_card
def test_a_test_flag_that_stays_on_does_not_hide_a_cut(card: str) -> None:
    on_battery, testing, _, _, none = CARDS[card]
    assert _statuses(on_battery | testing | none) == ("on_battery", "on_battery")
    assert _statuses(on_battery | testing) == ("on_battery", "on_battery")  # nobody measures the input


def test_one_of_three_phases_gone_is_a_cut() -> None:
    lines: Values = {f"{RFC}.3.2.0": 3, f"{RFC}.3.3.1.3.1": 231, f"{RFC}.3.3.1.3.2": 0, f"{RFC}.3.3.1.3.3": 230}
    assert _statuses(RFC_BATTERY | {f"{RFC}.7.3.0": 5, **lines})[0] == "on_battery"


@pytest.mark.parametrize("flag", [10, 29])
def test_calibration_and_self_test_of_a_smart_ups_are_told_by_its_flags(flag: int) -> None:
    flags = "".join("1" if place in (2, flag) else "0" for place in range(1, 65))
    assert _statuses({f"{APC}.4.1.1.0": 3, f"{APC}.11.1.1.0": flags, f"{APC}.3.3.1.0": 2310}) == ("test", "test")


def test_the_alarm_of_a_test_is_heeded() -> None:
    values: Values = RFC_BATTERY | {
        f"{RFC}.3.3.1.3.1": 231, f"{RFC}.6.1.0": 1, f"{RFC}.6.2.1.2.1": ".1.3.6.1.2.1.33.1.6.3.24",
    }  # fmt: skip
    assert _statuses(values)[0] == "test"
