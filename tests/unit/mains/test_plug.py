"""Mains from a smart plug on a real mosquitto: its word, its last will, its silence."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.mains import Config, Mains, build
from collectors.mains.plug import Heard, Plug, lives, says, verdict
from collectors.mqtt import BrokerConfig
from stage import parts
from stage.process import Part, free_port
from telemetry.errors import Unreachable
from telemetry.event import Event
from tests.devices.plug import AVAILABILITY, TOPIC, SmartPlug
from tests.unit.mains.taken import Taken, taken

PATIENCE_SECONDS = 10.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[tuple[Part, int]]:
    """A running mosquitto and its port."""
    part, port = parts.broker(tmp_path / "broker")
    with part:
        yield part, port


@contextlib.asynccontextmanager
async def listening(state: Path, port: int, **settings: Any) -> AsyncIterator[Mains]:
    config = Plug(topic=TOPIC, broker=BrokerConfig(port=port), **settings)
    async with build(Config(name="corridor", plug=config), state) as collector:
        yield collector


async def until(collector: Mains, holds: Callable[[Taken], bool], what: str) -> list[Event]:
    """Collect until it holds; the events on the way."""
    events: list[Event] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = await taken(collector)
        events += found[1]
        if holds(found):
            return events
        await asyncio.sleep(0.05)
    raise AssertionError(what)


def is_up(up: float) -> Callable[[Taken], bool]:
    return lambda found: found[0] == up


def is_unknown(found: Taken) -> bool:
    return found[0] is None and isinstance(found[2], Unreachable)


def test_any_word_of_a_plug_shows_that_it_has_mains_and_wakes_the_scheduler(
    broker: tuple[Part, int], tmp_path: Path
) -> None:
    async def story() -> None:
        async with listening(tmp_path, broker[1]) as collector:
            assert is_unknown(await taken(collector))
            await until(collector, lambda found: "not heard" in str(found[2]), "never connected")
            plug = await asyncio.to_thread(lambda: SmartPlug(broker[1], announces=False))
            await asyncio.to_thread(plug.say, '{"power":3.1}')
            assert collector.changed is not None
            async with asyncio.timeout(PATIENCE_SECONDS):
                await collector.changed.wait()
            assert await taken(collector) == (1.0, [], None)
            plug.close()

    asyncio.run(story())


def test_a_sensor_that_lives_on_its_own_battery_says_itself_that_mains_is_gone(
    broker: tuple[Part, int], tmp_path: Path
) -> None:
    async def story() -> list[Event]:
        async with listening(tmp_path, broker[1], key="mains.present", on="true") as collector:
            plug = await asyncio.to_thread(lambda: SmartPlug(broker[1], announces=False))
            await until(collector, lambda found: "not heard" in str(found[2]), "never connected")
            events = []
            for word, up in (("true", 1), ("false", 0), ("true", 1)):
                await asyncio.to_thread(plug.say, f'{{"mains":{{"present":{word}}}}}')
                events += await until(collector, is_up(up), f"{word} is not heard")
            plug.close()
            return events

    opened, ended = asyncio.run(story())
    assert (opened.end, ended.id) == (None, opened.id)
    assert ended.end is not None
    assert ended.evidence == {"source": "corridor", "inferred_from": "plug"}


@pytest.mark.parametrize("silence", ["unknown", "no_mains"])
def test_a_plug_that_dies_is_an_outage_only_where_the_site_says_so(
    broker: tuple[Part, int], tmp_path: Path, silence: str
) -> None:
    async def story() -> list[Event]:
        options = {"availability_topic": AVAILABILITY, "silence": silence, "key": "state", "on": "ON"}
        async with listening(tmp_path, broker[1], **options) as collector:
            await until(collector, lambda found: "not heard" in str(found[2]), "never connected")
            first = await asyncio.to_thread(SmartPlug, broker[1])
            await asyncio.to_thread(first.say, '{"state":"ON"}')
            events = await until(collector, is_up(1), "never on")
            await asyncio.to_thread(first.lose_power)
            gone = is_up(0) if silence == "no_mains" else is_unknown
            events += await until(collector, gone, "its will is not heard")
            second = await asyncio.to_thread(SmartPlug, broker[1])
            await until(collector, is_unknown, "back, it has not said its state yet")
            await asyncio.to_thread(second.say, '{"state":"ON"}')
            events += await until(collector, is_up(1), "never on again")
            second.close()
            return events

    events = asyncio.run(story())
    assert [event.end is None for event in events] == ([True, False] if silence == "no_mains" else [])


def test_a_retained_word_counts_only_while_the_plug_is_said_to_live(broker: tuple[Part, int], tmp_path: Path) -> None:
    async def story() -> None:
        options = {"availability_topic": AVAILABILITY, "key": "state", "on": "ON"}
        plug = await asyncio.to_thread(lambda: SmartPlug(broker[1], announces=False))
        await asyncio.to_thread(lambda: plug.say('{"state":"ON"}', retained=True))
        async with listening(tmp_path, broker[1], **options) as collector:
            await until(collector, lambda found: "not heard" in str(found[2]), "never connected")
            await until(collector, lambda _: collector._witness._heard.retained, "the retained word does not come")
            assert is_unknown(await taken(collector))
            await asyncio.to_thread(lambda: plug.say("online", topic=AVAILABILITY, retained=True))
            await until(collector, is_up(1), "its life is not heard")
        plug.close()

    asyncio.run(story())


def test_a_broker_that_is_gone_makes_its_plug_unknown_until_it_is_heard_again(
    broker: tuple[Part, int], tmp_path: Path
) -> None:
    part, port = broker

    async def story() -> None:
        async with listening(tmp_path, port, silence="no_mains") as collector:
            plug = await asyncio.to_thread(lambda: SmartPlug(port, announces=False))
            await until(collector, lambda found: "not heard" in str(found[2]), "never connected")
            await asyncio.to_thread(plug.say, "{}")
            await until(collector, is_up(1), "never heard")
            plug.close()
            await asyncio.to_thread(part.stop)
            await until(collector, lambda found: "broker" in str(found[2]), "nobody notices that the broker is gone")
            await asyncio.to_thread(part.start)
            await until(collector, lambda found: "not heard" in str(found[2]), "the collector does not come back")
            plug = await asyncio.to_thread(lambda: SmartPlug(port, announces=False))
            await asyncio.to_thread(plug.say, "{}")
            await until(collector, is_up(1), "the plug is not heard again")
            plug.close()

    asyncio.run(story())


def test_a_broker_that_never_was_there_is_no_outage(tmp_path: Path) -> None:
    async def story() -> Taken:
        async with listening(tmp_path, free_port(), silence="no_mains") as collector:
            return await taken(collector)

    assert is_unknown(asyncio.run(story()))


MUTE = Plug(topic=TOPIC, max_age_seconds=900, silence="no_mains")


@pytest.mark.parametrize(
    ("heard", "now", "mains"),
    [
        (Heard(), 10_000, None),  # never heard is not silent
        (Heard(word=True, at=0), 900, True), (Heard(word=True, at=0), 901, False),
        (Heard(word=True, retained=True), 10_000, None),
        (Heard(online=False), 0, False), (Heard(online=True, at=0), 900, True), (Heard(online=True, at=0), 901, False),
    ],
)  # fmt: skip
def test_silence_is_counted_from_the_last_sign_of_life(heard: Heard, now: float, mains: bool | None) -> None:
    assert verdict(MUTE, heard, now) is mains


@pytest.mark.parametrize(
    ("key", "on", "payload", "mains"),
    [
        ("", "", "", True), ("", "ON", "on", True), ("", "ON", "OFF", False),
        ("state", "ON", '{"state":"ON","power":0}', True), ("state", "ON", '{"state":"OFF"}', False),
        ("state", "ON", '{"power":0}', None), ("state", "ON", "ON", None), ("state", "ON", "[1]", None),
        ("ENERGY.Relay", "1", '{"ENERGY":{"Relay":1}}', True), ("a.b", "1", '{"a":{"b":{}}}', None),
        ("contact", "false", '{"contact":false}', True), ("contact", "false", '{"contact":null}', None),
    ],
)  # fmt: skip
def test_a_word_is_read_where_the_site_says_it_stands(key: str, on: str, payload: str, mains: bool | None) -> None:
    assert says(Plug(topic=TOPIC, key=key, on=on), payload.encode()) is mains


@pytest.mark.parametrize(
    ("payload", "online"),
    [
        ("online", True), ("Online", True), ("Offline", False), ('{"state":"offline"}', False), ("true", True),
        ("false", False), ("", None), ("{", None), ("42", None),
    ],
)  # fmt: skip
def test_the_words_for_life_of_zigbee2mqtt_tasmota_esphome_and_shelly_are_known(
    payload: str, online: bool | None
) -> None:
    assert lives(payload.encode()) is online


@given(st.binary(max_size=200), st.sampled_from(["", "state", "a.b"]))
def test_whatever_arrives_is_read_or_says_nothing(payload: bytes, key: str) -> None:
    assert says(Plug(topic=TOPIC, key=key, on="ON"), payload) in (True, False, None)
    assert lives(payload) in (True, False, None)


def test_a_message_too_long_says_nothing() -> None:
    assert says(MUTE, b"x" * 9000) is None
