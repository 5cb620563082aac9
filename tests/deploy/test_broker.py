"""The shipped mosquitto.conf and acl on a real broker: each certificate is held to its own place."""

import os
import pwd
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.reasoncodes import ReasonCode

from central.config import Broker as BrokerConfig
from central.ingest.subscribe import Subscriber
from stage.authority import Authority
from stage.process import Part, free_port, listens, program
from tests.deploy.shipped import CENTRAL

ONE, OTHER, REVOKED = "PK-PB-00001", "PK-PB-00002", "PK-PB-00003"
NOT_AUTHORISED = 135
PATIENCE_SECONDS = 10.0


class Broker:
    """The shipped configuration with this run's port and paths."""

    def __init__(self, directory: Path) -> None:
        self.port, self.cut_port, self.directory = free_port(), free_port(), directory
        authority = Authority(directory)
        authority.server()
        for name in (ONE, OTHER, REVOKED, "ingest"):
            authority.client(name)
        authority.revoke(REVOKED)
        shipped = (CENTRAL / "mosquitto.conf").read_text(encoding="utf-8")
        for old, new in (
            ("listener 8883", f"listener {self.port} 127.0.0.1"),
            ("listener 8884", f"listener {self.cut_port}"),
            ("/etc/centre-monitor/tls", str(directory)),
            ("/var/lib/centre-monitor/crl", str(directory)),
            ("/etc/centre-monitor/acl", str(CENTRAL / "acl")),
        ):
            assert old in shipped
            shipped = shipped.replace(old, new)
        # As root, mosquitto would give up its rights and lose its files.
        config = directory / "mosquitto.conf"
        config.write_text(f"user {pwd.getpwuid(os.getuid()).pw_name}\n{shipped}", encoding="utf-8")
        command = [program("mosquitto", "mosquitto"), "-c", str(config)]
        self.part = Part("mosquitto", command, directory, listens(self.port))

    def config(self, name: str) -> BrokerConfig:
        """How ingest would be told to connect with this certificate."""
        ca, cert, key = (str(self.directory / file) for file in ("ca.crt", f"{name}.crt", f"{name}.key"))
        return BrokerConfig(host="127.0.0.1", port=self.port, ca_file=ca, cert_file=cert, key_file=key, client_id=name)


class Client:
    """One MQTT 5 connection, driven by the test; `certificate` empty: none is shown."""

    def __init__(self, broker: Broker, certificate: str, client_id: str = "") -> None:
        context = ssl.create_default_context(cafile=str(broker.directory / "ca.crt"))
        if certificate:
            context.load_cert_chain(broker.directory / f"{certificate}.crt", broker.directory / f"{certificate}.key")
        self._broker = broker
        self._client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id or certificate, protocol=mqtt.MQTTv5, reconnect_on_failure=False
        )
        self._client.tls_set_context(context)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = lambda *_: self._subscribed.append(True)
        self._client.on_message = lambda _client, _data, message: self.heard.append(
            (message.topic, bytes(message.payload))
        )
        self._published: dict[int, int] = {}
        self._subscribed: list[bool] = []
        self.accepted: int | None = None
        self.limits: Any = None
        self.ended: int | None = None
        self.heard: list[tuple[str, bytes]] = []

    def __enter__(self) -> Self:
        try:
            self._client.connect("127.0.0.1", self._broker.port, clean_start=True)
        except ssl.SSLError:
            self.ended = -1
        self.pump(lambda: self.accepted is not None)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    def pump(self, done: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Run the connection until `done`, until it ends, or for so long."""
        deadline = time.monotonic() + seconds
        while not done() and self.ended is None and time.monotonic() < deadline:
            if self._client.loop(0.05) != mqtt.MQTT_ERR_SUCCESS and self.ended is None:
                self.ended = -1

    def publish(self, topic: str) -> int:
        """The reason code of the PUBACK; what ended the connection if there was none."""
        mid = self._client.publish(topic, b"{}", qos=1).mid
        self.pump(lambda: mid in self._published)
        return self._published.get(mid, self.ended if self.ended is not None else -2)

    def subscribe(self, topic: str) -> None:
        self._client.subscribe(topic, qos=1)
        self.pump(lambda: bool(self._subscribed))

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, code: ReasonCode, properties: Any) -> None:
        self.accepted, self.limits = code.value, properties

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
        self.ended = code.value

    def _on_publish(self, _client: Any, _data: Any, mid: int, code: ReasonCode, _properties: Any) -> None:
        self._published[mid] = code.value


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(tmp_path_factory.mktemp("broker"))
    with broker.part:
        yield broker


@pytest.mark.parametrize("certificate", ["", REVOKED])
def test_without_a_certificate_that_counts_nobody_is_let_in(broker: Broker, certificate: str) -> None:
    with Client(broker, certificate, client_id=ONE) as client:
        assert client.accepted is None
        assert client.ended is not None


@pytest.mark.parametrize("topic", ["samples", "state/online", "state/power", "state/schema/0a1b2c3d"])
def test_a_centre_may_publish_its_own_readings_and_states(broker: Broker, topic: str) -> None:
    with Client(broker, ONE) as client:
        assert client.accepted == 0
        assert client.publish(f"centres/{ONE}/{topic}") < 128


@pytest.mark.parametrize(
    "topic",
    [
        f"centres/{OTHER}/samples",
        f"centres/{OTHER}/state/online",
        f"centres/{ONE}/ack",
        f"centres/{ONE}/anything",
        f"centres/{ONE}/state/a/b",
        "somewhere/else",
    ],
)
def test_a_centre_may_not_publish_elsewhere_nor_acknowledge_itself(broker: Broker, topic: str) -> None:
    with Client(broker, ONE) as client:
        assert client.publish(topic) == NOT_AUTHORISED


def test_a_foreign_client_id_is_forced_to_the_certificates_own(broker: Broker) -> None:
    with Client(broker, ONE) as mine, Client(broker, OTHER) as other, Client(broker, ONE, client_id=OTHER) as thief:
        assert thief.accepted == 0
        mine.pump(lambda: False)  # until the broker ends it: the thief came under this name
        other.pump(lambda: False, seconds=0.5)
        assert mine.ended is not None
        assert other.ended is None
        assert other.publish(f"centres/{OTHER}/samples") < 128
        assert thief.publish(f"centres/{OTHER}/samples") == NOT_AUTHORISED


def test_a_centre_hears_its_own_acknowledgements_and_nothing_of_others(broker: Broker) -> None:
    subscriber = Subscriber(broker.config("ingest"))
    subscriber.start()
    try:
        assert subscriber.connected.wait(PATIENCE_SECONDS)
        with Client(broker, ONE) as mine, Client(broker, OTHER) as other:
            for client in (mine, other):
                client.subscribe("#")
            subscriber.publish(f"centres/{ONE}/ack", b"mine")
            subscriber.publish(f"centres/{OTHER}/ack", b"other")
            mine.pump(lambda: bool(mine.heard))
            other.pump(lambda: bool(other.heard))
            assert mine.publish(f"centres/{ONE}/samples") < 128
            mine.pump(lambda: len(mine.heard) > 1, seconds=0.5)
            assert mine.heard == [(f"centres/{ONE}/ack", b"mine")]
            assert other.heard == [(f"centres/{OTHER}/ack", b"other")]
        arrived = subscriber.messages.get(timeout=PATIENCE_SECONDS)
        while arrived.topic != f"centres/{ONE}/samples":
            arrived = subscriber.messages.get(timeout=PATIENCE_SECONDS)
    finally:
        subscriber.stop()


def test_the_broker_tells_its_limits(broker: Broker) -> None:
    with Client(broker, ONE) as client:
        assert client.limits.MaximumPacketSize == 16384
        assert client.limits.ReceiveMaximum == 200
