"""The message samples of tests/devices/seats, typed."""

from pathlib import Path

import msgspec
from msgspec import Struct

from collectors.mqtt import MqttMessage
from collectors.seats.map import Seat, Sensor, Space
from collectors.seats.occupancy import State
from collectors.seats.payloads import Update

_FILE = Path(__file__).resolve().parents[2] / "devices/seats/messages.jsonl"


class Says(Struct, frozen=True, forbid_unknown_fields=True):
    """What a message tells; what is not named here is not checked."""

    verdict: bool | None = None
    online: bool | None = None
    low_battery: bool | None = None
    seen_at: float | None = None

    def agrees_with(self, update: Update) -> bool:
        battery = self.low_battery is None or self.low_battery == update.low_battery
        return (self.verdict, self.online, self.seen_at) == (update.verdict, update.online, update.seen_at) and battery


class Message(Struct, frozen=True, forbid_unknown_fields=True):
    """One publish."""

    topic: str
    payload: str
    retained: bool
    says: Says | None

    def received(self) -> MqttMessage:
        return MqttMessage(self.topic, self.payload.encode(), self.retained)


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """One sensor, its messages in order, and the seat afterwards."""

    case: str
    witness: str
    sensor: Sensor
    messages: tuple[Message, ...]
    seat: State


CASES = tuple(msgspec.json.decode(line, type=Case) for line in _FILE.read_text(encoding="utf-8").splitlines())


def space_of(cases: tuple[Case, ...], name: str = "lab-1") -> Space:
    """A training room in which each case is one seat."""
    return Space(name, "training_room", tuple(Seat(case.case, (case.sensor,)) for case in cases))
