"""Mains from a smart plug or a mains sensor on the centre's own MQTT broker.

What it says while it lives is believed. Its silence is mains gone only where the site says so: a
plug hangs on the mains alone, but it may also be pulled out. A broker that is away makes it unknown.
"""

import asyncio
import json
import time
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from collectors.mains.verdict import Verdict
from collectors.mqtt import BrokerConfig, MqttListener, MqttMessage
from telemetry.errors import Unreachable

_MAX_PAYLOAD = 8 * 1024
Topic = Annotated[str, Meta(pattern=r"^[^+#\x00]{0,200}\Z")]


class Plug(Struct, frozen=True, forbid_unknown_fields=True):
    """[collect.mains.plug]: a smart plug or a mains sensor that speaks MQTT."""

    topic: Annotated[str, Meta(pattern=r"^[^+#\x00]{1,200}\Z")]
    """Where it speaks."""
    key: str = ""
    """Which value of its JSON tells, with dots into objects within; empty: the whole message."""
    on: str = ""
    """What that value is while mains is there, in any case of letters; empty: any. Another value: mains is gone."""
    availability_topic: Topic = ""
    """Where it is said online and offline: its last will. Empty: none."""
    max_age_seconds: Annotated[float, Meta(ge=0, le=7 * 86400)] = 900.0
    """Without a word for this long it is silent; 0: only its last will tells."""
    silence: Literal["unknown", "no_mains"] = "unknown"
    """What it means when it is said offline or is silent; no_mains only for one that hangs on the mains for good."""
    broker: BrokerConfig = BrokerConfig()

    def __post_init__(self) -> None:
        if self.key and not self.on:
            raise ValueError("on: with a key the value that means mains must be given")
        if not self.max_age_seconds and not self.availability_topic:
            raise ValueError("max_age_seconds may be 0 only with an availability_topic")


def says(plug: Plug, payload: bytes) -> bool | None:
    """Whether a message of the plug says that mains is there; None when it does not say. Pure."""
    if len(payload) > _MAX_PAYLOAD:
        return None
    value: Any = payload.decode("utf-8", "replace").strip()
    if plug.key:
        value = _within(value, plug.key)
        if value is None or isinstance(value, dict | list):
            return None
        value = json.dumps(value) if isinstance(value, bool) else str(value)
    return not plug.on or value.lower() == plug.on.lower()


def lives(payload: bytes) -> bool | None:
    """What an availability message says, plain or as {"state": ...}; None for another word. Pure.

    online and offline: Zigbee2MQTT, Tasmota, ESPHome; true and false: Shelly.
    """
    text = payload.decode("utf-8", "replace").strip()
    word = _within(text, "state") if text.startswith("{") else text
    return _ALIVE.get(str(word).lower())


_ALIVE = {"online": True, "true": True, "offline": False, "false": False}


def _within(text: str, path: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


class Heard(Struct):
    """What the plug has said over one connection. at: monotonic time of its last sign of life.

    word: whether mains is there, as it said last. retained: that word is of unknown age, and counts
    only while the plug is said to be online.
    """

    word: bool | None = None
    retained: bool = False
    online: bool | None = None
    at: float | None = None


def verdict(plug: Plug, heard: Heard, now: float) -> bool | None:
    """Mains there or gone by what was heard; None while that is not known. Pure."""
    if is_silent(plug, heard, now):
        return False if plug.silence == "no_mains" else None
    if heard.online and not plug.on:
        return True
    return None if heard.retained and not heard.online else heard.word


def is_silent(plug: Plug, heard: Heard, now: float) -> bool:
    """Said to be offline, or without a sign of life for too long; never heard is not silent. Pure."""
    late = plug.max_age_seconds and heard.at is not None and now - heard.at > plug.max_age_seconds
    return heard.online is False or bool(late)


class Plugged:
    """Listens all the time."""

    def __init__(self, config: Plug) -> None:
        self.changed: asyncio.Event | None = asyncio.Event()
        self._config = config
        self._heard, self._connection = Heard(), 0
        topics = [topic for topic in (config.availability_topic, config.topic) if topic]
        broker = config.broker
        self._listener = MqttListener(
            broker.host, broker.port, broker.username, broker.password(), topics, self._on_message
        )

    def start(self) -> None:
        """Connect in the background."""
        self._listener.start()

    def stop(self) -> None:
        """Hang up."""
        self._listener.stop()

    async def look(self, at: datetime) -> Verdict:
        """Raises Unreachable while the broker does not answer or the plug says nothing that counts."""
        if self._listener.lost_seconds():
            raise Unreachable("the plug's broker does not answer")
        mains = verdict(self._config, self._now_heard(), time.monotonic())
        if mains is None:
            raise Unreachable("the plug is not heard: nothing is known of the mains")
        return Verdict(mains=mains, since=at)

    def _now_heard(self) -> Heard:
        """What was heard over the present connection; of an earlier one nothing counts."""
        if self._connection != self._listener.connections:
            self._heard, self._connection = Heard(), self._listener.connections
        return self._heard

    def _on_message(self, message: MqttMessage) -> None:
        heard, now = self._now_heard(), time.monotonic()
        before = verdict(self._config, heard, now)
        if message.topic == self._config.availability_topic:
            self._take_availability(heard, lives(message.payload), now)
        else:
            self._take_word(heard, says(self._config, message.payload), now, retained=message.retained)
        if self.changed is not None and verdict(self._config, heard, now) != before:
            self.changed.set()

    @staticmethod
    def _take_availability(heard: Heard, online: bool | None, now: float) -> None:
        if online is None:
            return
        heard.online = online
        if online:
            heard.at = now
        else:
            heard.word = None  # once it is back it must say it again

    @staticmethod
    def _take_word(heard: Heard, word: bool | None, now: float, *, retained: bool) -> None:
        if word is None:
            return
        heard.word, heard.retained = word, retained
        if not retained:
            heard.at = now
