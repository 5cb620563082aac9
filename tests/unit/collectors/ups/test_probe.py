"""The JSON object of probe-ups: complete, and honest about what is not known."""

import asyncio
from typing import Any

import pytest

from agent.demo import ups
from agent.demo.card import Card, CardValue
from collectors.ups.probe import probe
from telemetry.errors import TimedOut
from tests.devices.cards import served
from tests.devices.recordings import names, recording

PROMISED = {
    "recognised", "mib", "vendor", "model", "serial", "firmware", "status", "battery_low", "replace_battery",
    "overload", "charge_ratio", "runtime_seconds", "battery_volts", "battery_amperes", "temperature_celsius",
    "input_volts", "input_hertz", "output_volts", "output_hertz", "output_amperes", "load_ratio", "output_watts",
    "alarms", "rejected",
}  # fmt: skip
LISTS = {"input_volts", "output_volts", "output_amperes", "load_ratio", "alarms", "rejected"}


def _probe(card: Card) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        async with served(card) as at:
            return await probe(at)

    return asyncio.run(ask())


def test_a_ups_gives_every_promised_field() -> None:
    answer = _probe(Card(ups.identity() | ups.on_mains()))
    assert set(answer) == PROMISED
    assert (answer["recognised"], answer["mib"], answer["status"]) == (True, "rfc1628", "online")


def test_a_device_that_is_no_ups_gives_every_field_unknown() -> None:
    answer = _probe(Card({"1.3.6.1.2.1.1.1.0": "a switch"}))
    assert answer.pop("recognised") is False
    assert {name: value for name, value in answer.items() if value not in (None, [])} == {}
    assert {name for name, value in answer.items() if value == []} == LISTS


def test_a_rejected_value_is_shown_with_its_object_and_its_rule() -> None:
    lie: dict[str, CardValue] = {"1.3.6.1.2.1.33.1.2.4.0": 120}
    answer = _probe(Card(ups.identity() | ups.on_mains() | lie))
    assert answer["rejected"] == [{"object": "upsEstimatedChargeRemaining", "raw": "120", "rule": "out_of_range"}]
    assert answer["charge_ratio"] is None


def test_silence_is_left_to_the_caller() -> None:
    card = Card({})
    card.silent = True
    with pytest.raises(TimedOut):
        _probe(card)


@pytest.mark.parametrize("name", names())
def test_no_recorded_device_makes_a_field_minus_one(name: str) -> None:
    answer = _probe(Card(recording(name)))
    assert set(answer) == PROMISED
    assert all(value != -1 and value != [-1] for value in answer.values())
