"""Recorded cards, read over real UDP: the physical values, whatever the card does to the questions.

Expected values were taken from the walks by hand; the object that proves each stands beside it.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from agent.demo.card import Card
from collectors.snmp import Access
from collectors.ups.plausible import SENTINELS
from collectors.ups.probe import probe
from tests.devices.cards import Erring, access, served
from tests.devices.recordings import names, recording
from tests.devices.snmpsim import AUTH_KEY, PRIV_KEY, USERS, simulator

EXPECTED: dict[str, dict[str, Any]] = {
    "eaton-93e-80": {
        "mib": "mge",
        "model": "93E HV 80000",  # 705.1.1.1.0 + 705.1.1.2.0
        "serial": "4K234LXX06",  # 705.1.1.7.0
        "status": "online",  # 705.1.7.3.0 = 2, 705.1.7.4.0 = 2
        "battery_low": False, "replace_battery": False, "overload": False,  # 705.1.5.14.0, 5.11.0, 7.10.0 = 2
        "charge_ratio": 1.0,  # 705.1.5.2.0 = 100
        "runtime_seconds": None,  # 705.1.5.1.0 = 65535, a cap; 33.1.2.3.0 = 1092 min is the same cap
        "battery_volts": 521.0,  # 705.1.5.5.0 = 5210
        "battery_amperes": 0.0,  # 33.1.2.6.0 = 0
        "temperature_celsius": 25.0,  # 33.1.2.7.0
        "input_volts": [227.0, 227.0, 233.0],  # 705.1.6.2.1.2.N.0 = 2270, 2270, 2330
        "input_hertz": 50.0,  # 33.1.3.3.1.2.1 = 500
        "output_volts": [220.0, 220.0, 220.0],  # 705.1.7.2.1.2.N = 2200
        "output_hertz": 49.0,  # 705.1.7.2.1.3.1 = 490
        "output_amperes": [27.0, 18.0, 15.0],  # 705.1.7.2.1.5.N = 270, 180, 150
        "load_ratio": [0.21, 0.16, 0.12],  # 705.1.7.2.1.4.N
        "output_watts": 11400.0,  # 33.1.4.4.1.4 = 5100 + 3600 + 2700
        "alarms": [],  # 33.1.6.1.0 = 0
    },
    "eaton-9px-partial": {
        "mib": "mge", "model": "Eaton 9PX 2200i RT 3U", "serial": "GX13G45099",  # 705.1.1.1.0 + .2.0, 705.1.1.7.0
        "status": "online",  # 705.1.7.3.0 = 2
        "charge_ratio": 1.0, "runtime_seconds": 17218.0,  # 705.1.5.2.0, 705.1.5.1.0
        "battery_volts": 78.0,  # 705.1.5.5.0 = 780, 534.1.2.2.0 = 78
        "temperature_celsius": None,  # no 705.1.5.7.0
        "input_volts": [243.0], "input_hertz": 50.0,  # 705.1.6.2.1.2.1.0 = 2430, 3.1.0 = 500; 705.1.6.1.0 = 1
        "output_volts": [231.0],  # 705.1.7.2.1.2.1 = 2310; three rows repeat line 1, 705.1.7.1.0 = 1
        "output_hertz": 50.0,  # 705.1.7.2.1.3.1 = 500
        "load_ratio": [0.09],  # 705.1.7.2.1.4.1
        "output_amperes": [],  # 705.1.7.2.1.5.1 = 0 under load
        "battery_low": False, "replace_battery": False, "overload": False,  # 705.1.5.14.0, 5.11.0, 7.10.0 = 2
    },
    "huawei-gse200m": {
        "mib": "huawei", "model": "UPS5000-E", "serial": "2102310NYJ10EB000045",  # 6.174.1.2.100.1.2.1, .5.1
        "status": "online",  # 2011.6.174.1.2.101.1.1.1 = 3
        "battery_low": False,  # 33.1.2.1.0 = 2
        "charge_ratio": 1.0, "runtime_seconds": 28080.0,  # 6.100.1.3.1, 6.100.1.4.1; RFC 1628 says -1 to both
        "battery_volts": 538.5, "battery_amperes": 0.1,  # 6.100.1.1.1 = 5385, 6.100.1.2.1 = 1
        "temperature_celsius": None,  # 33.1.2.7.0 = -1
        "input_volts": [234.7, 238.0, 236.1], "input_hertz": 50.0,  # 3.100.1.{1,2,3}.1, 3.100.1.4.1 = 5000
        "output_volts": [221.3, 220.4, 217.9], "output_hertz": 49.99,  # 4.100.1.{1,2,3}.1, 4.100.1.7.1 = 4999
        "output_amperes": [12.1, 13.4, 29.8],  # 4.100.1.{4,5,6}.1
        "output_watts": 10500.0,  # 4.100.1.{8,9,10}.1 = 21, 24, 60: 2.1 + 2.4 + 6.0 kW
        "load_ratio": [0.2, 0.219, 0.481],  # 4.100.1.{14,15,16}.1 = 200, 219, 481
    },
    "phoenixtec-power": {
        "mib": "xppc", "firmware": "3.6.CY504.c",  # 935.1.1.1.1.2.4.0: the card's; the UPS names none
        "status": "online",  # 935.1.1.1.4.1.1.0 = 2
        "battery_low": False, "replace_battery": None,  # 935.1.1.1.2.1.1.0 = 2, 2.2.5.0 = 0 is outside its enum
        "charge_ratio": 1.0, "runtime_seconds": None,  # 935.1.1.1.2.2.1.0; 2.2.4.0 = 0 with a full battery
        "battery_volts": 41.0,  # 33.1.2.5.0 = 410; 935.1.1.1.2.2.2.0 = 22 is a cell's
        "temperature_celsius": 31.5,  # 935.1.1.1.2.2.3.0 = 315
        "input_volts": [239.0], "input_hertz": 50.0,  # 935.1.1.1.3.2.1.0 = 2390, 3.2.4.0; 8.2.{2,3,4}.0 = 0
        "output_volts": [230.7], "output_hertz": 50.0,  # 935.1.1.1.4.2.1.0 = 2307, 4.2.2.0
        "load_ratio": [0.02],  # 935.1.1.1.4.2.3.0
        "output_watts": None,  # 33.1.4.4.1.4.1 = 0 under load
    },
    "ingrasys-power-switch": {
        "mib": "rfc1628", "vendor": "Santak", "model": "Array-3A3",  # 33.1.1.1.0, 33.1.1.2.0
        "status": "online",  # 33.1.4.1.0 = 3
        "battery_low": False, "charge_ratio": 1.0, "runtime_seconds": None,  # 33.1.2.{1,4,3}.0 = 2, 100, 0
        "battery_volts": 273.0, "temperature_celsius": 32.0,  # 33.1.2.5.0 = 2730, 33.1.2.7.0
        "input_volts": [228.0, 229.0, 227.0], "input_hertz": 50.0,  # 33.1.3.3.1.3.N, 33.1.3.3.1.2.1 = 500
        "output_volts": [220.0, 220.0, 220.0],  # 33.1.4.4.1.2.N
        "output_hertz": None,  # 33.1.4.2.0 is 0, as TimeTicks
        "output_amperes": [40.0, 28.0, 41.0],  # 33.1.4.4.1.3.N = 400, 280, 410
        "load_ratio": [0.33, 0.33, 0.33],  # 33.1.4.4.1.5.N
        "output_watts": 21100.0,  # 33.1.4.4.1.4.N = 7900 + 5500 + 7700
    },
    "eastpower-istars-swv053": {
        "mib": "rfc1628", "vendor": "EAST", "model": "EA9080",  # 33.1.1.1.0, 33.1.1.2.0
        "status": "online",  # 33.1.4.1.0 = 3
        "battery_low": False, "charge_ratio": 1.0, "runtime_seconds": None,  # 33.1.2.{1,4,3}.0 = 2, 100, 0
        "battery_volts": 213.0, "temperature_celsius": 36.0,  # 33.1.2.5.0 = 2130, 33.1.2.7.0
        "input_volts": [236.0, 236.0, 234.0], "input_hertz": 50.0,  # 33.1.3.3.1.{3,2}.N.0: an extra .0
        "output_volts": [219.0, 219.0, 219.0], "output_hertz": 50.0,  # 33.1.4.4.1.2.N.0, 33.1.4.2.0 = 500
        "load_ratio": [0.2, 0.26, 0.3],  # 33.1.4.4.1.5.N.0
        "output_watts": None, "output_amperes": [],  # 33.1.4.4.1.{4,3}.N.0 = 0 under load
    },
}  # fmt: skip

# What is no UPS that we can read, and the object that says what it is.
OTHERS = {
    "apc-7902b": ("1.3.6.1.2.1.1.1.0", "MN:AP7902B"),  # a rack PDU; sysObjectID 318.1.3.4 as its UPSes have 318.1.3.*
    "apc-8641": ("1.3.6.1.2.1.1.1.0", "MN:AP8641"),  # a rack PDU
    "apc-8932": ("1.3.6.1.2.1.1.1.0", "MN:AP8932"),  # a rack PDU
    "emerson-network-power": ("1.3.6.1.2.1.1.1.0", "UPS Web/SNMP Agent, Emerson"),  # a UPS; its MIB 13400.2.1 unknown
    "juniper-ac": ("1.3.6.1.2.1.1.1.0", "Juniper"),  # a wireless controller
    "vertiv-power": (
        "1.3.6.1.4.1.476.1.42.2.4.2.1.4.1",
        "Liebert PEX",
    ),  # an air conditioner behind an UPS maker's card
}

FAULTS: dict[str, dict[str, Any]] = {
    "v2c": {}, "v1": {}, "v1 only": {"version_1_only": True}, "one object a question": {"single_object_only": True},
    "too big beyond 5": {"most_objects": 5}, "each fourth packet lost": {"lose_every": 4},
    "v1 only, one object a question, each seventh packet lost": {
        "version_1_only": True, "single_object_only": True, "lose_every": 7,
    },
}  # fmt: skip

# An object that the card fails over with genErr, and what is then known instead: of that object only.
BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "eaton-93e-80": ("1.3.6.1.4.1.705.1.5.5.0", {"battery_volts": 521.0}),  # 33.1.2.5.0 = 5210 fills in
    "eaton-9px-partial": ("1.3.6.1.4.1.705.1.5.2.0", {"charge_ratio": None}),
    "huawei-gse200m": ("1.3.6.1.4.1.2011.6.174.1.6.100.1.4.1", {"runtime_seconds": None}),  # 33.1.2.3.0 = -1
    "phoenixtec-power": ("1.3.6.1.4.1.935.1.1.1.2.2.3.0", {"temperature_celsius": 31.0}),  # 33.1.2.7.0 = 31
    "ingrasys-power-switch": ("1.3.6.1.2.1.33.1.4.4.1.4.2", {"output_watts": None}),  # no sum without line 2
    "eastpower-istars-swv053": ("1.3.6.1.2.1.33.1.3.3.1.3.3.0", {"input_volts": [236.0, 236.0]}),
}
GEN_ERR = 5

every_ups = pytest.mark.parametrize("name", EXPECTED)


def asked(card: Card, version: str = "2c") -> dict[str, Any]:
    """What the probe says of a card; patient with a busy machine where no answer is waited for in vain."""
    timeout = 0.25 if card.lose_every or card.single_object_only else 1.0

    async def act() -> dict[str, Any]:
        async with served(card) as at:
            return await probe(access(at.port, version=version, timeout=timeout))

    return asyncio.run(act())


def answer(name: str, fault: str = "v2c") -> dict[str, Any]:
    card = Card(recording(name))
    for setting, value in FAULTS[fault].items():
        setattr(card, setting, value)
    return asked(card, "1" if fault.startswith("v1") else "2c")


def check(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Recognised, exactly so, and no sentinel anywhere."""
    assert found["recognised"]
    assert rounded({key: found[key] for key in expected}) == expected
    published = {key: value for key, value in found.items() if key != "rejected"}
    text = json.dumps(published)
    assert not any(str(sentinel) in text for sentinel in SENTINELS)
    assert not any(number < 0 for value in published.values() for number in _numbers(value))


def _numbers(value: Any) -> list[float]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, int | float) and not isinstance(one, bool)]


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


def is_nothing(found: dict[str, Any]) -> bool:
    return not found["recognised"] and all(value in (None, [], False) for value in found.values())


def test_every_walk_of_the_package_is_here() -> None:
    assert sorted([*EXPECTED, *OTHERS]) == names()
    assert BROKEN.keys() == EXPECTED.keys()


@every_ups
@pytest.mark.parametrize("fault", FAULTS)
def test_a_recorded_card_is_read_as_it_is(name: str, fault: str) -> None:
    check(answer(name, fault), EXPECTED[name])


@every_ups
@pytest.mark.parametrize("version", ["1", "2c"])
def test_a_card_that_takes_few_objects_and_fails_over_one_loses_that_one_only(name: str, version: str) -> None:
    oid, instead = BROKEN[name]
    assert oid in recording(name)
    card = Erring(recording(name), status=GEN_ERR, index=1, most=1000, bad=oid)  # the index names another
    card.most_objects = 5
    check(asked(card, version), EXPECTED[name] | instead)


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_known_ups_is_none(name: str) -> None:
    oid, words = OTHERS[name]
    told = recording(name)[oid]
    assert isinstance(told, bytes)
    assert words.encode() in told
    assert is_nothing(answer(name))


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """UDP port of snmpsim with every walk, one context each."""
    part, port = simulator(tmp_path_factory.mktemp("snmpsim") / "all", [*EXPECTED, *OTHERS])
    with part:
        yield port


def answer_v3(port: int, name: str, user: str) -> dict[str, Any]:
    secrets = {"auth_key": AUTH_KEY, "priv_key": PRIV_KEY, "context": name, **USERS[user]}
    return asyncio.run(probe(Access(host="127.0.0.1", port=port, version="3", **secrets)))


@every_ups
@pytest.mark.parametrize("user", USERS)
def test_a_recorded_card_says_the_same_signed_and_encrypted(simulated: int, name: str, user: str) -> None:
    check(answer_v3(simulated, name, user), EXPECTED[name])


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_known_ups_is_none_signed_and_encrypted(simulated: int, name: str) -> None:
    assert is_nothing(answer_v3(simulated, name, "SHA256/AES128"))
