"""The far side of MQTT: counts what each program publishes, and acknowledges batches as ingest would, but at once."""

import threading
import time

import msgspec
import paho.mqtt.client as mqtt
from msgspec import Struct
from paho.mqtt.enums import CallbackAPIVersion

from telemetry.errors import Rejected
from telemetry.letter import opened
from telemetry.wire import Ack, ack_topic, parse_line, ranges


class Traffic(Struct):
    """Messages and bytes of payload under one topic."""

    messages: int = 0
    payload: int = 0


class FarSide:
    """Subscribes to everything; `traffic` is by the first two levels of the topic."""

    def __init__(self, port: int) -> None:
        self._lock = threading.Lock()
        self._traffic: dict[str, Traffic] = {}
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bench", protocol=mqtt.MQTTv5)
        self._client.on_message = self._take
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def traffic(self, root: str) -> Traffic:
        """So far, under `root`."""
        with self._lock:
            found = self._traffic.get(root, Traffic())
            return Traffic(found.messages, found.payload)

    def close(self) -> None:
        """End the thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        parts = message.topic.split("/")
        if parts[2:] == ["ack"]:
            return
        with self._lock:
            known = self._traffic.setdefault("/".join(parts[:2]), Traffic())
            known.messages += 1
            known.payload += len(message.payload)
        if parts[0] == "centres" and parts[2:] == ["samples"]:
            self._acknowledge(parts[1], bytes(message.payload))

    def _acknowledge(self, centre: str, body: bytes) -> None:
        try:
            batches = [parse_line(line) for line in opened(body)]
        except Rejected:
            return
        ack = Ack(t=int(time.time() * 1000), e=batches[0].e, a=ranges([batch.q for batch in batches]))
        self._client.publish(ack_topic(centre), msgspec.json.encode(ack))
