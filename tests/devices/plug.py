"""A smart plug's side of MQTT 3.1.1: it speaks, and has a last will."""

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

TOPIC, AVAILABILITY = "zigbee2mqtt/plug", "zigbee2mqtt/plug/availability"
PATIENCE_SECONDS = 10.0


class SmartPlug:
    """One that is online as soon as it is made."""

    def __init__(self, port: int, *, announces: bool = True) -> None:
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        if announces:
            self._client.will_set(AVAILABILITY, '{"state":"offline"}', qos=1, retain=True)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if announces:
            self.say('{"state":"online"}', topic=AVAILABILITY, retained=True)

    def say(self, payload: str, *, topic: str = TOPIC, retained: bool = False) -> None:
        """The broker has it when this returns."""
        self._client.publish(topic, payload, qos=1, retain=retained).wait_for_publish(PATIENCE_SECONDS)

    def lose_power(self) -> None:
        """Its connection breaks off without a goodbye: the broker executes its will."""
        self._client.loop_stop()
        sock = self._client.socket()
        assert sock is not None
        sock.close()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
