"""Brands of which there is no recording, read over real UDP from cards written after their MIBs: on mains, on battery,
with a low, bad or overloaded state, on bypass; and what is no UPS is none, whatever enterprise it is of.
"""

import asyncio
from typing import Any

import msgspec
import pytest

from agent.demo.card import Card as SimulatedCard
from agent.demo.card import CardValue
from collectors.snmp import Session
from collectors.ups.mib import brands
from collectors.ups.poll import Card
from collectors.ups.probe import probe
from collectors.ups.state import UpsState
from tests.devices import apc_cards, brand_cards
from tests.devices.brand_cards import OBJECT_ID, E, R
from tests.devices.cards import served
from tests.devices.oem_cards import OEM_DEVICES
from tests.devices.recordings import recording
from tests.devices.vertiv_cards import VERTIV_DEVICES

DEVICES = brand_cards.DEVICES | OEM_DEVICES | VERTIV_DEVICES | {"apc": apc_cards.THREE_PHASES}
SITUATIONS = [(brand, name) for brand, device in DEVICES.items() for name in device.situations]


async def _state(values: dict[str, CardValue], *, urgent: bool) -> UpsState:
    async with served(SimulatedCard(values)) as at, Session(at) as session:
        card = Card(session)
        state = await card.state()
        return await card.read_source() if urgent else state


def read(values: dict[str, CardValue], *, urgent: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(asyncio.run(_state(values, urgent=urgent)))
    return {name: rounded(value) for name, value in found.items()}


def rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


@pytest.mark.parametrize("brand", DEVICES)
def test_a_card_on_mains_is_read_as_its_mib_says(brand: str) -> None:
    device = DEVICES[brand]
    found = read(device.card({}))
    assert {name: found[name] for name in device.says} == device.says


@pytest.mark.parametrize(("brand", "situation"), SITUATIONS)
def test_what_happens_to_it_is_seen(brand: str, situation: str) -> None:
    device = DEVICES[brand]
    changes, says = device.situations[situation]
    found = read(device.card(changes))
    assert {name: found[name] for name in says} == says


@pytest.mark.parametrize("brand", DEVICES)
def test_on_battery_is_seen_by_the_quick_question_too(brand: str) -> None:
    changes, _ = DEVICES[brand].situations["battery"]
    assert read(DEVICES[brand].card(changes), urgent=True)["status"] == "on_battery"


@pytest.mark.parametrize("brand", DEVICES)
@pytest.mark.parametrize("object_id", [".1.3.6.1.4.1.8072.3.2.10", "", None], ids=["net-snmp", "empty", "none"])
def test_a_brand_is_found_though_the_card_does_not_say_who_made_it(brand: str, object_id: CardValue) -> None:
    values = DEVICES[brand].card({}) | {OBJECT_ID: object_id}
    assert read(values)["mib"] == brand


# The source is told by RFC 1628 alone; who it is by RFC 1628, by the objects of the card's maker, or by both.
INTRODUCED: dict[str, tuple[dict[str, CardValue], dict[str, Any]]] = {
    "a Delta card in the UPS of another name": (
        {
            OBJECT_ID: f".{E}.2254.2.4",
            f"{E}.2254.2.4.1.1.0": "Northgate", f"{E}.2254.2.4.1.2.0": "NG-2000RT", f"{E}.2254.2.4.1.3.0": "07",
        },
        {"vendor": "Northgate", "model": "NG-2000RT", "firmware": "07"},
    ),
    "a Liebert card": (
        {
            OBJECT_ID: f".{E}.476.1.42", f"{R}.1.1.0": "Liebert Corporation", f"{R}.1.2.0": "GXT5",
            f"{E}.476.1.42.2.1.2.0": "RDU101", f"{E}.476.1.42.2.1.4.0": "0012",
            f"{E}.476.1.42.2.4.2.1.4.1": "GXT5-1500IRT2UXL", f"{E}.476.1.42.2.4.2.1.7.1": "2010500031BWG1",
        },
        {"vendor": "Liebert Corporation", "model": "GXT5-1500IRT2UXL", "serial": "2010500031BWG1"},
    ),
    "a Tripp Lite card with PowerAlert 12": (
        {OBJECT_ID: f".{E}.850.1", f"{R}.1.1.0": "TRIPP LITE", f"{E}.850.100.1.1.2.0": "2714CVLPS832600123"},
        {"vendor": "TRIPP LITE", "serial": "2714CVLPS832600123"},
    ),
    "a Huawei card that has RFC 1628 only": (
        {OBJECT_ID: f".{E}.2011.6.174.4.1.2.4", f"{R}.1.1.0": "HUAWEI", f"{R}.1.2.0": "UPS2000-A-3KTTS"},
        {"vendor": "HUAWEI", "model": "UPS2000-A-3KTTS", "serial": None},
    ),
    "a maker's card that names nothing": ({OBJECT_ID: f".{E}.3808.1.1.1"}, {"vendor": None, "model": None}),
}  # fmt: skip


@pytest.mark.parametrize("card", INTRODUCED)
def test_who_it_is_may_stand_in_the_makers_objects_though_rfc_1628_tells_the_rest(card: str) -> None:
    identity, says = INTRODUCED[card]
    found = read({f"{R}.4.1.0": 3, f"{R}.2.4.0": 88} | identity)
    expected = {"mib": "rfc1628", "status": "online", "charge_ratio": 0.88} | says
    assert {name: found[name] for name in expected} == expected


PDU_ROWS: dict[str, dict[str, CardValue]] = {
    # ats, rPDU2, airIRRC, envMgmt: all below 318.1.1, none of them the ups branch 318.1.1.1.
    "APC ATS": {OBJECT_ID: f".{E}.318.1.3.32", f"{E}.318.1.1.8.1.5.0": "AP4421", f"{E}.318.1.1.8.5.1.2.0": 1},
    "APC PDU": {OBJECT_ID: f".{E}.318.1.3.4.6", f"{E}.318.1.1.12.1.5.0": "AP8853", f"{E}.318.1.1.26.4.3.1.4.1": 2},
    "APC cooler": {OBJECT_ID: f".{E}.318.1.3.14.5", f"{E}.318.1.1.13.3.2.2.1.4.0": "ACRC100"},
    "APC probe": {OBJECT_ID: f".{E}.318.1.3.8.4", f"{E}.318.1.1.10.4.2.1.0": 1},
    # ePDU2 of CPS-MIB, ePDU and ats: none of them answers the ups branch.
    "CyberPower PDU": {OBJECT_ID: f".{E}.3808.1.1.6", f"{E}.3808.1.1.3.1.1.0": "PDU41001", f"{E}.3808.1.1.6.2.1.0": 1},
    "CyberPower ATS": {
        OBJECT_ID: f".{E}.3808.1.1.5",
        f"{E}.3808.1.1.5.1.1.0": "PDU24004",
        f"{E}.3808.1.1.5.2.1.1.0": 1,
    },
    # tlpDeviceTable and tlpPdu: the same device table as a UPS of theirs.
    "Tripp Lite PDU": {
        OBJECT_ID: f".{E}.850.1.1.1",
        f"{E}.850.1.1.1.2.1.4.1": "TRIPP LITE",
        f"{E}.850.1.1.1.2.1.5.1": "PDUMH32HVNET",
        f"{E}.850.1.1.3.2.1.1.0": 1,
        f"{E}.850.1.1.3.2.3.1.1.1.1.1": 2301,
        f"{E}.850.1.3.1.0": 0,
    },
    "Tripp Lite ATS": {OBJECT_ID: f".{E}.850.1.1.1", f"{E}.850.1.1.3.4.1.1.0": 1, f"{E}.850.1.1.3.4.3.1.1.1.1": 1},
    "Eaton ePDU": {
        OBJECT_ID: f".{E}.534.6.6.7",
        f"{E}.534.6.6.7.1.2.1.2.0": "EMIB04",
        f"{E}.534.6.6.7.3.2.1.3.0.1.1": 2301,
    },
    "Eaton ATS": {OBJECT_ID: f".{E}.534.10.2", f"{E}.534.10.2.2.2.1.2.1": 2301, f"{E}.534.10.2.2.4.1.0": 1},
    "Raritan PDU": {
        OBJECT_ID: f".{E}.13742.6",
        f"{E}.13742.6.3.2.1.1.2.1": "Raritan",
        f"{E}.13742.6.5.2.3.1.4.1.1.4": 230,
    },
    "HP PDU": {OBJECT_ID: f".{E}.232.165.5", f"{E}.232.165.2.1.1.0": 1, f"{E}.232.165.7.1.2.1.2.1": "HP Metered PDU"},
    "Socomec PDU": {
        OBJECT_ID: f".{E}.4555.1.1.2",
        f"{E}.4555.1.1.2.1.1.1.0": "Socomec PDU",
        f"{E}.4555.1.1.2.1.4.1.0": 3,
    },
    "Riello transfer switch": {OBJECT_ID: f".{E}.5491.6", f"{E}.5491.11.1.1.2.0": "MTS 16A", f"{E}.5491.11.1.4.1.0": 3},
    "Ingrasys PDU": {
        OBJECT_ID: f".{E}.2468.1.4.2",
        f"{E}.2468.1.4.2.1.1.1.0": "iPoMan II",
        f"{E}.2468.1.4.2.1.4.1.0": 3,
    },
    "Liebert air conditioner": {
        OBJECT_ID: f".{E}.476.1.42",
        f"{E}.476.1.42.2.1.2.0": "IS-WEBCARD",
        f"{E}.476.1.42.2.4.2.1.4.1": "Liebert CRV",
        f"{E}.476.1.42.3.4.1.3.3.1.3.1": 24,
    },
    "Emerson rectifier": {OBJECT_ID: f".{E}.885.3", f"{E}.885.3.2.1.1.0": "53.4", f"{E}.885.3.2.1.2.0": 940},
    "Huawei site monitor": {
        OBJECT_ID: ".1.3.6.1.4.1.8072.3.2.10",
        f"{E}.2011.6.164.1.1.1.1.0": 1,
        f"{E}.2011.6.164.1.1.1.4.0": "SMU11B",
    },
    "rectifiers of Eltek": {
        OBJECT_ID: f".{E}.12148.10",
        f"{E}.12148.10.2.1.0": 1,
        f"{E}.12148.10.3.1.0": 1,
        f"{E}.12148.10.10.5.5.0": 5391,
    },
    "direct current with batteries of Algcom": {OBJECT_ID: f".{E}.49136", f"{E}.49136.1.1.1.0": 541},
    "environment sensors on a NetAgent": {OBJECT_ID: f".{E}.935.1.1.1", f"{E}.13409.1.1.1.0": 2340},
    "Delta cooler": {OBJECT_ID: f".{E}.2254.2.30", f"{E}.2254.2.30.1.1.0": "InRow", f"{E}.2254.2.30.5.1.0": 1},
}


@pytest.mark.parametrize("device", PDU_ROWS)
def test_what_is_no_ups_is_none_whatever_enterprise_it_is_of(device: str) -> None:
    assert not recognised(PDU_ROWS[device])


@pytest.mark.parametrize("name", ["apc-7902b", "apc-8641", "apc-8932", "vertiv-power", "juniper-ac"])
def test_recorded_pdus_coolers_and_switches_are_none(name: str) -> None:
    assert not recognised(recording(name))


def recognised(values: dict[str, CardValue]) -> bool:
    async def ask() -> bool:
        async with served(SimulatedCard(values)) as at:
            return bool((await probe(at))["recognised"])

    return asyncio.run(ask())


def test_every_probe_is_an_object_of_its_own() -> None:
    probes = [mib.probe for mib in brands()]
    assert len(set(probes)) == len(probes)


def test_a_pdu_with_the_values_of_a_ups_beside_it_is_judged_by_the_probe_alone() -> None:
    # One RFC 1628 row that is not the source of the output makes no UPS.
    assert not recognised({OBJECT_ID: f".{E}.850.1.1.1", "1.3.6.1.2.1.33.1.4.4.1.2.1": 230})
