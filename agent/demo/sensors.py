"""Simulated seat sensors of three makes on an embedded MQTT 3.1.1 broker (amqtt)."""

import asyncio
import json
import random
from pathlib import Path

from amqtt.broker import Broker

SEATS = 12
_CHANGE_SECONDS = 8.0
_MAKES = ("esphome", "zigbee2mqtt", "tasmota")


def seat_map() -> str:
    """The map file of the simulated seats: a training room and cabins."""
    lines = []
    for space, kind, numbers in (("lab-1", "training_room", range(1, 9)), ("cabins", "cabin", range(9, SEATS + 1))):
        lines.append(f'[[space]]\nname = "{space}"\nkind = "{kind}"')
        lines += [_seat(number) for number in numbers]
    return "\n".join(lines) + "\n"


def _seat(number: int) -> str:
    make = _MAKES[number % 3]
    topic = {
        "esphome": f"desk-{number:02}/binary_sensor/presence",
        "zigbee2mqtt": f"zigbee2mqtt/desk-{number:02}",
        "tasmota": f"desk-{number:02}",
    }[make]
    if number == SEATS:  # one seat has no sensor: unknown, and shown as such
        return f'[[space.seat]]\nname = "seat-{number:02}"'
    return f'[[space.seat]]\nname = "seat-{number:02}"\nsensors = [{{ format = "{make}", topic = "{topic}" }}]'


class Sensors:
    """The broker and the people who come and go."""

    def __init__(self, port: int, seed: int = 7) -> None:
        self._random = random.Random(seed)
        self._taken = {number: self._random.random() < 0.5 for number in range(1, SEATS)}
        self._broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )

    async def run(self) -> None:
        """Publish until cancelled: everything again and again, one seat changing each time."""
        await self._broker.start()
        try:
            while True:
                for number, taken in self._taken.items():
                    await self._speak(number, taken=taken)
                await asyncio.sleep(_CHANGE_SECONDS if self._seen_by_all() else 1.0)
                someone = self._random.randrange(1, SEATS)
                self._taken[someone] = not self._taken[someone]
        finally:
            await self._broker.shutdown()

    _rounds = 0

    def _seen_by_all(self) -> bool:
        """The first rounds come quickly: the agent may subscribe a moment later."""
        self._rounds += 1
        return self._rounds > 5

    async def _speak(self, number: int, *, taken: bool) -> None:
        desk = f"desk-{number:02}"
        say = self._broker.internal_message_broadcast
        match _MAKES[number % 3]:
            case "esphome":
                await say(f"{desk}/status", b"online", 0)
                await say(f"{desk}/binary_sensor/presence/state", b"ON" if taken else b"OFF", 0)
            case "zigbee2mqtt":
                await say(f"zigbee2mqtt/{desk}", json.dumps({"presence": taken, "linkquality": 96}).encode(), 0)
            case "tasmota":
                await say(f"tele/{desk}/SENSOR", json.dumps({"Switch1": "ON" if taken else "OFF"}).encode(), 0)


def write_map(directory: Path) -> Path:
    """Put the map file into `directory`."""
    file = directory / "seats.toml"
    file.write_text(seat_map(), encoding="utf-8")
    return file
