"""The Seats collector on a real mosquitto, with a publisher that speaks MQTT 3.1.1 as the sensors do."""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from collectors.mqtt import BrokerConfig
from collectors.seats import Config, Seats
from collectors.seats.map import Space
from collectors.seats.occupancy import State
from stage import parts
from stage.process import Part, free_port, program, wait_for
from telemetry import catalogue as names
from telemetry.errors import CollectError
from telemetry.reading import Reading
from tests.unit.seats.messages import CASES, Message, space_of
from tests.unit.seats.room import counts, lab, radar

TOPIC = "zigbee2mqtt/radar-1"
PATIENCE_SECONDS = 10.0


class Publisher:
    """A sensor's side."""

    def __init__(self, port: int, username: str = "", password: str = "") -> None:
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        if username:
            self._client.username_pw_set(username, password)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def say(self, topic: str, payload: str, *, retained: bool = False) -> None:
        """Publish; the broker has it when this returns."""
        self._client.publish(topic, payload, qos=1, retain=retained).wait_for_publish(PATIENCE_SECONDS)

    def say_all(self, messages: Iterator[Message]) -> None:
        for message in messages:
            self.say(message.topic, message.payload, retained=message.retained)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextlib.contextmanager
def publisher(port: int, username: str = "", password: str = "") -> Iterator[Publisher]:
    one = Publisher(port, username, password)
    try:
        yield one
    finally:
        one.close()


@contextlib.asynccontextmanager
async def listening(port: int, *spaces: Space, username: str = "", password: str = "") -> AsyncIterator[Seats]:
    """A collector that has subscribed: a retained message for its first sensor, of Zigbee2MQTT, has arrived."""
    config = Config(map="unused", broker=BrokerConfig(port=port, username=username))
    collector = Seats(config, spaces, password)
    ((sensor, signal),) = collector._places[0].sensors.items()
    with publisher(port, username, password) as first:
        first.say(f"{sensor.topic}/availability", "online", retained=True)
    async with collector:
        await until(lambda: signal.online is True, "the collector does not subscribe")
        yield collector
    assert collector._sensors is not None
    await asyncio.to_thread(collector._sensors._thread.join, PATIENCE_SECONDS)
    assert not collector._sensors._thread.is_alive(), "the listener outlives its collector"


def lost(collector: Seats) -> float:
    assert collector._sensors is not None
    return collector._sensors.lost_seconds()


async def until(condition: Callable[[], bool], complaint: str) -> None:
    """Ask a real part again and again."""
    await asyncio.to_thread(wait_for, condition, PATIENCE_SECONDS, complaint)


async def woken(collector: Seats) -> None:
    """Wait for `changed`, as the scheduler does."""
    assert collector.changed is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        await collector.changed.wait()
    collector.changed.clear()


async def taken(collector: Seats) -> tuple[list[Reading], str]:
    readings: list[Reading] = []
    try:
        async for one in collector.collect():
            assert isinstance(one, Reading)
            readings.append(one)
    except CollectError as problem:
        return readings, problem.reason
    return readings, ""


def only(state: State) -> dict[str, float]:
    """The counts of a room of one seat."""
    return {one: float(one == state) for one in names.SEAT_STATES}


def test_every_recorded_message_through_a_real_broker_leaves_its_seat_as_it_should(broker: tuple[Part, int]) -> None:
    part, port = broker
    rooms = [space_of((case,), f"case-{number}") for number, case in enumerate(CASES)]
    messages = [message for case in CASES for message in case.messages]

    async def story(speaker: Publisher) -> list[Reading]:
        await asyncio.to_thread(speaker.say_all, (one for one in messages if one.retained))
        async with listening(port, *rooms) as collector:
            await asyncio.to_thread(speaker.say_all, (one for one in messages if not one.retained))
            await asyncio.to_thread(speaker.say, CASES[0].sensor.topic + "/availability", "offline")
            await until(lambda: collector._places[0].decision.state == "unknown", "the last message does not arrive")
            return (await taken(collector))[0]

    with part, publisher(port) as speaker:
        readings = asyncio.run(story(speaker))
    expected = {f"case-{number}": only(case.seat) for number, case in enumerate(CASES)}
    expected["case-0"] = only("unknown")
    assert {room.name: counts(readings, room.name) for room in rooms} == expected


def test_a_message_changes_the_counts_and_wakes_the_scheduler(broker: tuple[Part, int]) -> None:
    part, port = broker

    async def story(speaker: Publisher) -> None:
        async with listening(port, lab(radar())) as collector:
            assert counts((await taken(collector))[0]) == only("unknown")
            speaker.say(TOPIC, '{"presence":true}')
            await woken(collector)
            readings, reason = await taken(collector)
            assert (counts(readings), reason) == (only("occupied"), "")
            speaker.say(TOPIC + "/availability", '{"state":"offline"}')
            await woken(collector)
            assert counts((await taken(collector))[0]) == only("unknown")

    with part, publisher(port) as speaker:
        asyncio.run(story(speaker))


def test_a_broker_that_is_gone_makes_its_seats_unknown_after_a_minute_and_its_return_mends_it(
    broker: tuple[Part, int],
) -> None:
    part, port = broker

    async def story() -> None:
        async with listening(port, lab(radar())) as collector:
            with publisher(port) as speaker:
                speaker.say(TOPIC, '{"presence":true}')
            await woken(collector)
            await asyncio.to_thread(part.stop)
            await until(lambda: lost(collector) > 0, "nobody notices that the broker is gone")
            readings, reason = await taken(collector)
            assert (counts(readings), reason) == (only("occupied"), ""), "a minute of grace"
            assert collector._sensors is not None
            collector._sensors._lost_at = time.monotonic() - 61
            readings, reason = await taken(collector)
            assert (counts(readings), reason) == (only("unknown"), "unreachable")
            await asyncio.to_thread(part.start)
            await until(lambda: lost(collector) == 0, "the collector does not come back")
            assert counts((await taken(collector))[0]) == only("unknown"), "not its last word"
            with publisher(port) as speaker:
                speaker.say(TOPIC, '{"presence":false}')
            await until(lambda: collector._places[0].decision.state == "free", "the return is not heard")
            assert (await taken(collector))[1] == ""

    with part:
        asyncio.run(story())


def test_a_broker_that_never_was_there_is_unreachable_after_the_grace() -> None:
    async def story() -> tuple[list[Reading], str]:
        broker = BrokerConfig(port=free_port())
        async with Seats(Config(map="unused", broker=broker), (lab(radar()),), "") as collector:
            assert collector._sensors is not None
            assert (await taken(collector))[1] == ""
            collector._sensors._lost_at = time.monotonic() - 61
            return await taken(collector)

    readings, reason = asyncio.run(story())
    assert (counts(readings), reason) == (only("unknown"), "unreachable")


def test_a_broker_with_accounts_is_told_ours_and_a_wrong_password_is_never_connected(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("agent:secret\n")
    subprocess.run([program("mosquitto_passwd", "mosquitto"), "-U", passwords], check=True, capture_output=True)
    part, port = parts.broker(tmp_path / "broker", extra=f"password_file {passwords}\n")
    config = tmp_path / "broker/mosquitto.conf"
    config.write_text(config.read_text().replace("allow_anonymous true", "allow_anonymous false"))
    account = BrokerConfig(port=port, username="agent")

    async def story(speaker: Publisher) -> None:
        async with listening(port, lab(radar()), username="agent", password="secret") as collector:
            speaker.say(TOPIC, '{"presence":true}')
            await woken(collector)
        stranger = Seats(Config(map="unused", broker=account), (lab(radar()),), "wrong")
        async with stranger:
            await until(lambda: "not authorised" in part.log.read_text(), "the broker does not refuse")
            assert lost(stranger) > 0

    with part, publisher(port, "agent", "secret") as speaker:
        asyncio.run(story(speaker))
