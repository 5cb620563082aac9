"""Cards that tell of a battery, but never where their output comes from: a UPS at a router's USB port, old firmware."""

import asyncio
from typing import Any

import pytest

from agent.demo.card import Card as Simulated
from agent.demo.card import CardValue
from collectors.snmp import Session
from collectors.ups.poll import Card
from collectors.ups.probe import probe
from tests.devices.brand_cards import OBJECT_ID, E, R
from tests.devices.cards import served

Values = dict[str, CardValue]
# RouterOS: upsInputNumLines and upsOutputNumLines are 1, and the rows of the tables have the index 3.
ROUTER: Values = {
    OBJECT_ID: f".{E}.14988.1",
    f"{R}.1.2.0": "BX1100", f"{R}.2.1.0": 2, f"{R}.2.3.0": 41, f"{R}.2.4.0": 97, f"{R}.2.7.0": 0,
    f"{R}.3.2.0": 1, f"{R}.3.3.1.3.3": 226, f"{R}.4.3.0": 1, f"{R}.4.4.1.2.3": 229, f"{R}.4.4.1.5.3": 14,
    f"{R}.6.1.0": 0,
}  # fmt: skip
XUPS = f"{E}.534.1"
OLD_CARD: Values = {
    OBJECT_ID: f".{XUPS}", f"{XUPS}.2.2.0": 81, f"{XUPS}.2.4.0": 64, f"{XUPS}.3.4.1.2.1": 231, f"{XUPS}.4.4.1.2.1": 230,
}  # fmt: skip
ALARM: Values = {f"{R}.6.1.0": 1, f"{R}.6.2.1.2.1": f".{R}.6.3.2"}


def read(values: Values) -> dict[str, Any]:
    async def once() -> dict[str, Any]:
        async with served(Simulated(values)) as at:
            return await probe(at)

    return asyncio.run(once())


def without(values: Values, *names: str) -> Values:
    return {oid: value for oid, value in values.items() if oid not in names}


def test_a_router_with_a_ups_is_read_though_its_rows_are_numbered_otherwise() -> None:
    says = {
        "recognised": True, "mib": "rfc1628", "model": "BX1100", "status": "online", "battery_low": False,
        "charge_ratio": 0.97, "runtime_seconds": 2460.0, "input_volts": [226.0], "output_volts": [229.0],
        "load_ratio": [0.14], "temperature_celsius": None,
    }  # fmt: skip
    assert says.items() <= read(ROUTER).items()


def test_an_old_card_is_read_by_the_objects_of_its_maker() -> None:
    says = {"recognised": True, "mib": "xups", "status": "online", "charge_ratio": 0.64, "battery_volts": 81.0}
    assert says.items() <= read(OLD_CARD).items()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({f"{R}.3.3.1.3.3": 0}, "on_battery"),
        (ALARM, "on_battery"),
        ({f"{R}.3.3.1.3.3": 188}, "online"),  # boosted, perhaps; mains feeds it
        ({f"{R}.3.3.1.3.3": 160}, "other"),  # a brown-out: the battery may feed it
        ({f"{R}.3.3.1.3.3": 290}, "other"),
        ({f"{R}.3.3.1.3.3": None}, "other"),
        ({f"{R}.4.4.1.2.3": 0}, "other"),
        ({f"{R}.4.4.1.2.3": 0, f"{R}.3.3.1.3.3": 0}, "other"),
        ({f"{R}.2.2.0": 40}, "other"),  # seconds on battery, or of the last outage
        ({f"{R}.2.2.0": 0}, "online"),
    ],
)
def test_its_source_is_what_both_voltages_and_the_alarms_show(changes: Values, status: str) -> None:
    assert read(ROUTER | changes)["status"] == status


def test_who_tells_of_no_battery_is_no_ups() -> None:
    battery = [oid for oid in ROUTER if oid.startswith(f"{R}.2.")]
    assert not read(without(ROUTER, *battery))["recognised"]
    assert not read({OBJECT_ID: f".{XUPS}", f"{XUPS}.3.4.1.2.1": 231, f"{XUPS}.4.4.1.2.1": 230})["recognised"]


def test_on_battery_its_alarms_are_read_again_each_time() -> None:
    async def story() -> list[str | None]:
        card = Simulated(ROUTER | ALARM)
        async with served(card) as at, Session(at) as session:
            ups = Card(session)
            seen = [(await ups.read()).status, (await ups.read_source()).status]
            card.update({f"{R}.6.1.0": 0})
            return [*seen, (await ups.read_source()).status]

    assert asyncio.run(story()) == ["on_battery", "on_battery", "online"]
