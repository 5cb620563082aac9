"""Recorded cards, read over real UDP: the physical values, whatever the card does to the questions.

Expected values were taken from the walks by hand; the object that proves each stands beside it.
"""

import asyncio
import json
from typing import Any

import pytest

from agent.demo.card import Card
from collectors.snmp import Access
from collectors.ups.plausible import SENTINELS
from collectors.ups.probe import probe
from tests.devices.recordings import names, recording

EXPECTED: dict[str, dict[str, Any]] = {
    "eaton-93e-80": {
        "mib": "mge", "serial": "4K234LXX06",
        "status": "online",  # 705.1.7.3.0 = 2, 705.1.7.4.0 = 2
        "charge_ratio": 1.0,  # 705.1.5.2.0 = 100
        "runtime_seconds": None,  # 705.1.5.1.0 = 65535, a cap; 33.1.2.3.0 = 1092 min is the same cap
        "battery_volts": 521.0,  # 705.1.5.5.0 = 5210
        "input_volts": [227.0, 227.0, 233.0], "output_volts": [220.0, 220.0, 220.0],
        "output_amperes": [27.0, 18.0, 15.0], "load_ratio": [0.21, 0.16, 0.12],
        "output_watts": 11400.0,  # 33.1.4.4.1.4 = 5100 + 3600 + 2700
        "output_hertz": 49.0, "temperature_celsius": 25.0,
    },
    "eaton-9px-partial": {
        "mib": "mge", "model": "Eaton 9PX 2200i RT 3U", "serial": "GX13G45099", "status": "online",
        "charge_ratio": 1.0, "runtime_seconds": 17218.0,  # 705.1.5.1.0
        "battery_volts": 78.0,  # 705.1.5.5.0 = 780, 534.1.2.2.0 = 78
        "input_volts": [243.0], "output_volts": [231.0],  # three rows repeat line 1; 705.1.7.1.0 = 1
        "load_ratio": [0.09], "output_amperes": [],  # 0 A under load
        "replace_battery": False, "overload": False,
    },
    "huawei-gse200m": {
        "mib": "huawei", "status": "online",  # 2011.6.174.1.2.101.1.1.1 = 3
        "charge_ratio": 1.0, "runtime_seconds": 28080.0,  # 6.100.1.3.1, 6.100.1.4.1; RFC 1628 says -1 to both
        "battery_volts": 538.5, "input_volts": [234.7, 238.0, 236.1], "output_volts": [221.3, 220.4, 217.9],
        "output_hertz": 49.99, "output_watts": 10500.0,  # 2.1 + 2.4 + 6.0 kW
        "load_ratio": [0.2, 0.219, 0.481], "temperature_celsius": None,  # -1
    },
    "phoenixtec-power": {
        "mib": "xppc", "status": "online", "charge_ratio": 1.0, "runtime_seconds": None,
        "battery_volts": 41.0,  # 33.1.2.5.0 = 410; 935.1.1.1.2.2.2.0 = 22 is a cell's
        "input_volts": [239.0], "output_volts": [230.7], "temperature_celsius": 31.5,
    },
    "ingrasys-power-switch": {
        "mib": "rfc1628", "vendor": "Santak", "model": "Array-3A3", "status": "online", "runtime_seconds": None,
        "battery_volts": 273.0, "output_watts": 21100.0, "output_hertz": None,  # 33.1.4.2.0 is 0, as TimeTicks
        "input_volts": [228.0, 229.0, 227.0],
    },
    "eastpower-istars-swv053": {
        "mib": "rfc1628", "vendor": "EAST", "model": "EA9080", "status": "online", "charge_ratio": 1.0,
        "battery_volts": 213.0, "input_volts": [236.0, 236.0, 234.0], "input_hertz": 50.0,  # indices N.0
        "load_ratio": [0.2, 0.26, 0.3], "output_watts": None, "output_amperes": [], "runtime_seconds": None,
    },
}  # fmt: skip
OTHERS = [name for name in names() if name not in EXPECTED]
FAULTS = {
    "v2c": {}, "v1": {}, "v1 only": {"version_1_only": True}, "one object a question": {"single_object_only": True},
    "too big beyond 5": {"most_objects": 5}, "each fourth packet lost": {"lose_every": 4},
}  # fmt: skip


def answer(name: str, fault: str = "v2c") -> dict[str, Any]:
    async def act() -> dict[str, Any]:
        card = Card(recording(name))
        for setting, value in FAULTS[fault].items():
            setattr(card, setting, value)
        port = await card.serve()
        version = "1" if fault.startswith("v1") else "2c"
        try:
            return await probe(Access(host="127.0.0.1", port=port, version=version, timeout_seconds=0.25))
        finally:
            card.close()
            await asyncio.sleep(0)

    return asyncio.run(act())


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_recorded_card_is_read_as_it_is(name: str, fault: str) -> None:
    found = answer(name, fault)
    assert found["recognised"]
    assert rounded({key: found[key] for key in EXPECTED[name]}) == EXPECTED[name]


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_known_ups_is_none(name: str) -> None:
    found = answer(name)
    assert not found["recognised"]
    assert all(value in (None, [], False) for value in found.values())


@pytest.mark.parametrize("name", EXPECTED)
def test_no_sentinel_is_published(name: str) -> None:
    found = answer(name)
    del found["rejected"]
    text = json.dumps(found)
    assert not any(str(sentinel) in text for sentinel in SENTINELS)
    assert "-1" not in [str(value) for value in found.values()]


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value
