"""Sensors on the centre's own MQTT broker (3.1.1: what Zigbee2MQTT, Tasmota and ESPHome speak).

One thread that owns its loop and hands messages to the event loop. A broker that is away makes its
sensors unknown after a minute of grace, never frozen at their last word.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as mqtt
from msgspec import Struct
from paho.mqtt.enums import CallbackAPIVersion

log = logging.getLogger(__name__)
_KEEPALIVE_SECONDS = 30
_BACKOFF_CAP_SECONDS = 60.0


class SensorMessage(Struct, frozen=True):
    """One message of a sensor."""

    topic: str
    payload: bytes
    retained: bool


class MqttSensors:
    """Listens to `topics`; calls `on_message` in the event loop."""

    def __init__(
        self, host: str, port: int, username: str, password: str, topics: Sequence[str],
        on_message: Callable[[SensorMessage], None],
    ) -> None:  # fmt: skip
        self._host, self._port, self._topics, self._on_message = host, port, list(dict.fromkeys(topics)), on_message
        self._credentials = (username, password)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="seat-sensors", daemon=True)
        self._lost_at: float | None = time.monotonic()

    def start(self) -> None:
        """Connect in the background; call inside the event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def stop(self) -> None:
        """End the thread within a loop turn."""
        self._stopping.set()

    def lost_seconds(self) -> float:
        """For how long the broker has been away; 0 while connected."""
        since = self._lost_at
        return 0.0 if since is None else time.monotonic() - since

    def _run(self) -> None:
        delay = 1.0
        while not self._stopping.is_set():
            client = self._new_client()
            try:
                client.connect(self._host, self._port, keepalive=_KEEPALIVE_SECONDS)
                while not self._stopping.is_set() and client.loop(1.0) == mqtt.MQTT_ERR_SUCCESS:
                    delay = 1.0
            except OSError as problem:
                log.debug("sensor broker not reached cause=%r", str(problem)[:80])
            finally:
                client.disconnect()
                if (sock := client.socket()) is not None:
                    sock.close()
            if self._lost_at is None and not self._stopping.is_set():
                self._lost_at = time.monotonic()
                log.warning("sensor broker lost")
            self._stopping.wait(delay)
            delay = min(2 * delay, _BACKOFF_CAP_SECONDS)

    def _new_client(self) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311, reconnect_on_failure=False)
        username, password = self._credentials
        if username:
            client.username_pw_set(username, password or None)
        client.on_connect = self._connected
        client.on_message = self._received
        return client

    def _connected(self, client: mqtt.Client, _data: Any, _flags: Any, code: Any, _props: Any) -> None:
        if code.is_failure:
            log.error("sensor broker refuses us reason=%r", str(code))
            return
        client.subscribe([(topic, 1) for topic in self._topics])
        self._lost_at = None
        log.info("sensor broker connected topics=%d", len(self._topics))

    def _received(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        if self._loop is not None and not self._stopping.is_set():
            found = SensorMessage(message.topic, bytes(message.payload), message.retain)
            self._loop.call_soon_threadsafe(self._on_message, found)
