"""A Seats collector without a broker, that is told its messages by the test."""

import asyncio
import json

from collectors.mqtt import MqttMessage
from collectors.seats import Config, Seats
from collectors.seats.map import Seat, Sensor, Space
from telemetry import catalogue as names
from telemetry.errors import CollectError
from telemetry.reading import Reading

NO_BROKER = Config(map="unused")


def seats(*spaces: Space, config: Config = NO_BROKER) -> Seats:
    """A collector that is told its messages by the test."""
    return Seats(config, spaces, "")


def taken(collector: Seats) -> tuple[list[Reading], str]:
    """One collection: its readings and the reason of its failure, if any."""

    async def collect() -> tuple[list[Reading], str]:
        found: list[Reading] = []
        try:
            async for one in collector.collect():
                assert isinstance(one, Reading)
                found.append(one)
        except CollectError as problem:
            return found, problem.reason
        return found, ""

    return asyncio.run(collect())


def counts(readings: list[Reading], space: str = "lab-1") -> dict[str, float]:
    """State -> seats of one space."""
    return {
        one.series.labels[2]: one.value
        for one in readings
        if one.metric is names.SEATS and one.series.labels[0] == space
    }


def desk(topic: str, payload: object, *, retained: bool = False) -> MqttMessage:
    body = payload if isinstance(payload, str) else json.dumps(payload)
    return MqttMessage(topic, body.encode(), retained)


def radar(number: int = 1) -> Seat:
    return Seat(f"seat-{number}", (Sensor("zigbee2mqtt", f"zigbee2mqtt/radar-{number}"),))


def lab(*places: Seat) -> Space:
    return Space("lab-1", "training_room", places)
