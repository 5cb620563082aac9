"""The simulation's connection to the broker: one client for all centres, on a broker without accounts."""

import threading
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from telemetry.errors import UplinkError
from telemetry.wire import Ack

_IN_FLIGHT = 100


class Sender:
    """Publishes QoS 1 with a window; counts the batches that ingest acknowledges."""

    def __init__(self, host: str, port: int) -> None:
        self.acknowledged = 0
        self.rejected = 0
        self._window = threading.Semaphore(_IN_FLIGHT)
        self._connected = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="simulate", protocol=mqtt.MQTTv5)
        self._client.max_inflight_messages_set(_IN_FLIGHT)
        self._client.on_connect = self._on_connect
        self._client.on_publish = lambda *_: self._window.release()
        self._client.on_message = self._on_message
        try:
            self._client.connect(host, port, clean_start=True)
        except OSError as problem:
            raise UplinkError(f"no broker at {host}:{port} ({problem})") from problem
        self._client.loop_start()
        if not self._connected.wait(10):
            raise UplinkError(f"the broker at {host}:{port} does not accept us")

    def send(self, topic: str, body: bytes, *, retain: bool = False) -> None:
        """Publish; waits while the window is full."""
        if not self._window.acquire(timeout=60):
            raise UplinkError("the broker takes nothing")
        self._client.publish(topic, body, qos=1, retain=retain)

    def close(self) -> None:
        """Wait for what is in flight, then disconnect."""
        for _ in range(_IN_FLIGHT):
            self._window.acquire(timeout=5)
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe("centres/+/ack", qos=0)
        self._connected.set()

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        ack = msgspec.json.decode(message.payload, type=Ack)
        self.acknowledged += sum(last - first + 1 for first, last in ack.a)
        self.rejected += len(ack.r)
