"""Ingest's connection to the shipped broker under load: acks and answers from one thread, the socket in another."""

import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from central.ingest.subscribe import Subscriber
from tests.deploy.test_broker import ONE, Broker

MESSAGES = 6000
SECONDS = 90.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    with made.part:
        yield made


def _centre(broker: Broker) -> mqtt.Client:
    config = broker.config(ONE)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=ONE, protocol=mqtt.MQTTv5)
    context = ssl.create_default_context(cafile=config.ca_file)
    context.load_cert_chain(config.cert_file, config.key_file)
    client.tls_set_context(context)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    return client


def test_thousands_of_messages_are_acked_and_answered_over_one_tls_connection(broker: Broker) -> None:
    subscriber = Subscriber(broker.config("ingest"))
    subscriber.start()
    assert subscriber.connected.wait(20)
    time.sleep(1)  # the subscription is under way
    centre = _centre(broker)
    seen = 0
    deadline = time.monotonic() + SECONDS
    try:
        for number in range(MESSAGES):
            centre.publish(f"centres/{ONE}/samples", f"{number}".encode() * 50, qos=1)
        while seen < MESSAGES:
            message = subscriber.messages.get(timeout=max(0.1, deadline - time.monotonic()))
            subscriber.done(message)
            subscriber.publish(f"centres/{ONE}/ack", b"{}" * 20)
            seen += 1
    finally:
        centre.loop_stop()
        subscriber.stop()
    assert subscriber.generation == 1  # it never had to come back
    assert "bad record mac" not in broker.part.log.read_text()
