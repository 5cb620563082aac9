"""MQTT 5 for ingest: the only importer of paho here. Messages go to a queue; PUBACK waits for the word.

Clean session in a shared group: an offline member keeps no part of the stream. Receive Maximum
bounds what can be in memory while the store is away.

Acks and answers come from ingest's own thread. paho's network thread alone touches the socket: TLS does not bear two
threads on one connection (measured: records that cannot be decrypted, then a corrupted heap).
"""

import logging
import queue
import ssl
import threading
import time
from typing import Any

import paho.mqtt.client as mqtt
from msgspec import Struct
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from central.config import Broker, read_secret

log = logging.getLogger(__name__)
RECEIVE_MAXIMUM = 200
_KEEPALIVE_SECONDS = 30
SUBSCRIPTIONS = [("$share/ingest/centres/+/samples", 1), ("centres/+/state/#", 1)]


class Message(Struct, frozen=True):
    """One message and how to PUBACK it."""

    topic: str
    payload: bytes
    retained: bool
    mid: int
    qos: int
    generation: int
    arrived: float


class Subscriber:
    """A connection that keeps coming back; `messages` is where it puts what arrives."""

    def __init__(self, broker: Broker) -> None:
        self.messages: queue.Queue[Message] = queue.Queue()
        self.connected = threading.Event()
        self.generation = 0
        self._broker = broker
        self._client = self._new_client(broker)
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._stopping, self._gone = threading.Event(), threading.Event()

    def start(self) -> None:
        """Connect in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect."""
        self._stopping.set()
        self._client.disconnect()
        self._gone.set()
        self._thread.join(3)

    def done(self, message: Message) -> None:
        """PUBACK, if the connection is still the one it came by."""
        if message.generation == self.generation and message.qos:
            self._client.ack(message.mid, message.qos)

    def publish(self, topic: str, payload: bytes) -> None:
        """QoS 0; lost when there is no connection, which the agents survive."""
        if self.connected.is_set():
            self._client.publish(topic, payload, qos=0)

    def _run(self) -> None:
        delay = 0.5
        while not self._stopping.is_set():
            try:
                self._live_connection()
                delay = 0.5
            except OSError as problem:
                log.debug("no broker cause=%r", str(problem)[:80])
            self.connected.clear()
            self._stopping.wait(delay)
            delay = min(delay * 2, 10.0)

    def _live_connection(self) -> None:
        """Connect, and stay until that ends; raises OSError."""
        self._gone.clear()
        self._client.connect(
            self._broker.host,
            self._broker.port,
            keepalive=_KEEPALIVE_SECONDS,
            clean_start=True,
            properties=_connect_properties(),
        )
        self._client.loop_start()
        begun = time.monotonic()
        try:
            while not self._gone.wait(1.0):
                if not self.connected.is_set() and time.monotonic() - begun > _KEEPALIVE_SECONDS:
                    log.error("the broker does not answer")
                    return
        finally:
            self._client.loop_stop()

    def _new_client(self, broker: Broker) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            protocol=mqtt.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        if broker.tls:
            context = ssl.create_default_context(cafile=broker.ca_file or None)
            if broker.cert_file:
                context.load_cert_chain(broker.cert_file, broker.key_file or None)
            client.tls_set_context(context)
        if broker.username:
            client.username_pw_set(broker.username, read_secret(broker.password_file) if broker.password_file else None)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _props: Any) -> None:
        if code.is_failure:
            log.error("the broker refuses ingest reason=%r", str(code))
            return
        self.generation += 1
        client.subscribe(SUBSCRIPTIONS)
        self.connected.set()
        log.info("connected to the broker")

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, code: ReasonCode, _props: Any) -> None:
        if self.connected.is_set():
            log.warning("connection to the broker ended reason=%r", str(code))
        self.connected.clear()
        self._gone.set()

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        self.messages.put(
            Message(
                message.topic,
                bytes(message.payload),
                message.retain,
                message.mid,
                message.qos,
                self.generation,
                time.time(),
            )
        )


def _connect_properties() -> Properties:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 0
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    return properties
