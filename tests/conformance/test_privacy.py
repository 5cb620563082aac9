"""Nothing that leaves the gateway names a machine or a person: every output over every recording is read."""

import asyncio
import json
import re
from datetime import UTC, datetime
from functools import cache

import msgspec
import pytest
from prometheus_client import generate_latest

from agent.demo import ups
from agent.demo.card import Card, CardValue
from agent.metrics import registry
from agent.snapshot import Snapshot
from agent.states import states
from collectors.host import Config as HostConfig
from collectors.host import Host
from collectors.snmp import Session
from collectors.ups.probe import probe
from telemetry.errors import CollectError
from telemetry.event import Event
from telemetry.reading import Reading
from telemetry.wire import encode_schema, make_schema
from tests.devices.cards import served
from tests.devices.collector import collector
from tests.devices.recordings import names, recording

MAC = re.compile(
    r"(?i)(?<![0-9a-f])([0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![0-9a-f])|(?<![0-9a-f])([0-9a-f]{4}\.){2}[0-9a-f]{4}(?![0-9a-f])"
)
IP = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
MAIL = re.compile(r"[\w.]+@[\w.]+")
R = "1.3.6.1.2.1.33.1"
TALKATIVE: dict[str, CardValue] = (
    ups.identity()
    | ups.on_battery()
    | {
        "1.3.6.1.2.1.1.4.0": "Ayesha Khan ayesha@example.org",  # sysContact
        "1.3.6.1.2.1.1.5.0": "ups-00:c0:b7:12:34:56",  # sysName
        "1.3.6.1.2.1.1.6.0": "Room of Bilal",  # sysLocation
        "1.3.6.1.2.1.2.2.1.6.1": b"\x04\x06\x00\xc0\xb7\x12\x34\x56",  # ifPhysAddress
        f"{R}.1.5.0": "Card of Ayesha, 10.1.2.3",  # upsIdentName
        f"{R}.1.6.0": "PC of Bilal",  # upsIdentAttachedDevices
    }
)


async def _outputs(card: Card) -> list[str]:
    readings: list[Reading] = []
    events: list[Event] = []
    async with served(card) as at:
        async with collector("rack", Session(at)) as reader, Host(HostConfig()) as host:
            for source in (reader, host):
                try:
                    async for one in source.collect():
                        if isinstance(one, Event):
                            events.append(one)
                        else:
                            readings.append(one)
                except CollectError as problem:
                    events.append(Event("restart", "problem", datetime.now(UTC), None, {"problem": str(problem)}))
        probed = json.dumps(await probe(at))
    snapshot = Snapshot()
    snapshot.put("test/x", readings)
    told = {name: state.fields for name, state in states(snapshot).items()}
    return [
        generate_latest(registry(snapshot)).decode(),
        json.dumps(told),
        msgspec.json.encode(events).decode().replace("127.0.0.1", ""),
        encode_schema(make_schema(list(dict.fromkeys(one.series for one in readings)))).decode(),
        probed,
    ]


@cache
def _text(name: str) -> str:
    return "\n".join(asyncio.run(_outputs(Card(recording(name)))))


@pytest.mark.parametrize("name", names())
def test_no_output_of_a_recorded_device_holds_a_mac_address_or_a_mail_address(name: str) -> None:
    text = _text(name)
    assert "centre_ups_up" in text
    assert (MAC.search(text), MAIL.search(text)) == (None, None)


@pytest.mark.parametrize("name", names())
def test_no_output_of_a_recorded_device_holds_an_address_of_the_network(name: str) -> None:
    assert [one for one in IP.findall(_text(name)) if max(int(part) for part in one.split(".")) <= 255] == []


@cache
def _talk() -> str:
    return "\n".join(asyncio.run(_outputs(Card(TALKATIVE))))


@pytest.mark.parametrize("secret", ["Ayesha", "Bilal", "10.1.2.3", "00:c0:b7", "c0b712", "example.org"])
def test_what_a_card_says_about_people_stays_in_the_card(secret: str) -> None:
    assert secret.lower() not in _talk().lower()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("00:c0:b7:12:34:56", True), ("00-C0-B7-12-34-56", True), ("00c0.b712.3456", True),
        ("x 00:c0:b7:12:34:56 y", True), ("12:34:56", False), ("1.3.6.1.2.1.33.1.4.1.0", False), ("", False),
    ],
)  # fmt: skip
def test_the_scan_knows_a_mac_address_when_it_sees_one(text: str, found: bool) -> None:
    assert (MAC.search(text) is not None) is found
