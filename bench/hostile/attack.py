"""Hostile accounts on a real broker: each kind again and again, from dice that a seed throws.

What no packet may hold goes by an account of its own, since the broker ends the connection for it.
"""

import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from bench.hostile.kinds import SCHEMA, Kind, Message, Shot, message
from telemetry.wire import encode_schema, schema_topic

THROWER = "PK-XX-88888"
_PACKET_BYTES = 16_384
"""max_packet_size of deploy/central/mosquitto.conf."""
_HEAD_BYTES = 16
_IN_FLIGHT = 50
_PATIENCE_SECONDS = 20.0


class Attacker:
    """One account with its certificate; `sent` by kind, `refused` by the broker's word."""

    def __init__(self, certificates: Path, port: int, name: str) -> None:
        self.name = name
        self.sent: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._certificates, self._port = certificates, port
        self._window = threading.Semaphore(_IN_FLIGHT)
        self._connected = threading.Event()
        self._client = self._new_client(name)
        self._client.on_connect = lambda *_: self._connected.set()
        self._client.on_publish = self._on_publish
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if not self._connected.wait(_PATIENCE_SECONDS):
            raise RuntimeError(f"the broker does not accept {name}")
        self._publish(Message(schema_topic(name, SCHEMA.sid), encode_schema(SCHEMA)), retained=True)

    def fire(self, kind: Kind, dice: random.Random, victim: str) -> None:
        """So many of a kind as it asks for."""
        for _ in range(kind.times):
            shot = message(kind, Shot(dice, int(1000 * time.time()), self.name, victim))
            if len(shot.topic.encode()) + len(shot.body) + _HEAD_BYTES > _PACKET_BYTES:
                self._throw(shot)
            else:
                self._publish(shot, retained=kind.retained)
            self.sent[kind.name] += 1

    def close(self) -> None:
        """Wait for what is under way, then disconnect."""
        for _ in range(_IN_FLIGHT):
            self._window.acquire(timeout=1.0)
        self._client.disconnect()
        self._client.loop_stop()

    def _publish(self, one: Message, *, retained: bool) -> None:
        if not self._window.acquire(timeout=_PATIENCE_SECONDS):
            raise RuntimeError(f"the broker takes nothing from {self.name}: {one.topic[:60]!r}")
        self._client.publish(one.topic, one.body, qos=1, retain=retained)

    def _throw(self, one: Message) -> None:
        gone = threading.Event()
        client = self._new_client(THROWER)
        client.on_disconnect = lambda *_: gone.set()
        client.connect("127.0.0.1", self._port)
        client.publish(one.topic, one.body)
        client.loop_start()
        self.refused["larger than a packet may be"] += gone.wait(_PATIENCE_SECONDS)
        client.loop_stop()

    def _new_client(self, name: str) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5, reconnect_on_failure=name != THROWER
        )
        context = ssl.create_default_context(cafile=f"{self._certificates}/ca.crt")
        context.load_cert_chain(f"{self._certificates}/{name}.crt", f"{self._certificates}/{name}.key")
        client.tls_set_context(context)
        client.max_inflight_messages_set(_IN_FLIGHT)
        return client

    def _on_publish(self, _client: Any, _data: Any, _mid: int, code: Any, _props: Any) -> None:
        self._window.release()
        if code.is_failure:
            self.refused[str(code)] += 1


def attack(
    attackers: Sequence[tuple[Attacker, Sequence[Kind]]], victims: Sequence[str], dice: random.Random,
    seconds: float, rate: float, progress: Callable[[float], None],
) -> None:  # fmt: skip
    """Each attacker in turn fires one of its kinds, in an order that changes with every round; `rate` a second."""
    begun = time.monotonic()
    orders: list[list[Kind]] = [[] for _ in attackers]
    fired = 0
    while (passed := time.monotonic() - begun) < seconds:
        for (attacker, kinds), order in zip(attackers, orders, strict=True):
            if not order:
                order.extend(dice.sample(kinds, len(kinds)))
            kind = order.pop()
            attacker.fire(kind, dice, dice.choice(victims))
            fired += kind.times
        progress(seconds - passed)
        time.sleep(max(0.0, fired / rate - (time.monotonic() - begun)))
