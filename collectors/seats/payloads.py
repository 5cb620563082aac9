"""What a sensor's message says. Pure: format, topic tail and payload in, an Update out.

Sources: Zigbee2MQTT 2.x and 1.x (availability as JSON or plain text; heartbeats may lack the key),
Tasmota (SENSOR, RESULT, LWT; LD2410S People 2 and 3 mean present), ESPHome (retained ON/OFF and
status). A message that says nothing about the seat is liveness only.
"""

import json
from datetime import datetime
from typing import Any

from msgspec import Struct

from collectors.seats.map import Sensor

_MAX_PAYLOAD = 8 * 1024
_LAST_MOMENT_MS = 4e12
_LOW_BATTERY_PERCENT = 15
_ON, _OFF = {"ON", "1", "TRUE"}, {"OFF", "0", "FALSE"}


class Update(Struct, frozen=True):
    """None: the message does not say. seen_at: Unix time of the detection, where the message tells."""

    verdict: bool | None = None
    online: bool | None = None
    low_battery: bool | None = None
    seen_at: float | None = None


def topics(sensor: Sensor) -> tuple[str, ...]:
    """What to subscribe to."""
    match sensor.format:
        case "zigbee2mqtt":
            return sensor.topic, f"{sensor.topic}/availability"
        case "tasmota":
            return f"tele/{sensor.topic}/SENSOR", f"stat/{sensor.topic}/RESULT", f"tele/{sensor.topic}/LWT"
        case "esphome":
            return f"{sensor.topic}/state", f"{sensor.topic.split('/')[0]}/status"


def parse(sensor: Sensor, topic: str, payload: bytes) -> Update | None:
    """The Update of a message, or None for one that cannot be read."""
    if len(payload) > _MAX_PAYLOAD:
        return None
    text = payload.decode("utf-8", "replace").strip()
    match sensor.format:
        case "zigbee2mqtt":
            return _zigbee2mqtt(text, availability=topic.endswith("/availability"))
        case "tasmota":
            return _status(text) if topic.endswith("/LWT") else _tasmota(text, sensor.key)
        case "esphome":
            return _status(text) if topic.endswith("/status") else _switch(text)


def _zigbee2mqtt(text: str, *, availability: bool) -> Update | None:
    if availability and not text.startswith("{"):
        return _status(text)
    fields = _object(text)
    if fields is None:
        return None
    if availability:
        return _status(str(fields.get("state", "")))
    verdict = next((fields[key] for key in ("presence", "occupancy") if isinstance(fields.get(key), bool)), None)
    battery = fields.get("battery")
    low = fields.get("battery_low") if isinstance(fields.get("battery_low"), bool) else None
    if isinstance(battery, int | float) and not isinstance(battery, bool):
        low = bool(low) or battery < _LOW_BATTERY_PERCENT
    return Update(verdict=verdict, low_battery=low, seen_at=_last_seen(fields.get("last_seen")))


def _last_seen(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value / 1000 if abs(value) < _LAST_MOMENT_MS else None
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).timestamp()
        except ValueError:
            return None
    return None


def _tasmota(text: str, key: str) -> Update | None:
    fields = _object(text)
    if fields is None:
        return None
    radar = fields.get("LD2410S")
    if isinstance(radar, dict) and isinstance(radar.get("People"), int):
        return Update(verdict=radar["People"] >= 2)
    value = fields.get(key)
    if isinstance(value, dict):
        value = value.get("Action")
    return _switch(value) if isinstance(value, str) else Update()


def _switch(text: str) -> Update | None:
    word = text.upper()
    return Update(verdict=word in _ON) if word in _ON | _OFF else None


def _status(text: str) -> Update | None:
    word = text.lower()
    return Update(online=word == "online") if word in ("online", "offline") else None


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
